import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { onCleanup, post, service, until } from '../test/servers.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('the sample of docs/gateway.md runs and answers as the page says', async () => {
  const coffee = await service((_request, response) => response.writeHead(201).end('{"orderId":1}'))
  const child = spawn(process.execPath, ['--conditions=spandrel-source', `${root}docs/samples/gateway/main.ts`], {
    cwd: `${root}docs/samples/coffee`,
    env: { ...process.env, COFFEE_URL: coffee.url, GATEWAY_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
  onCleanup(async () => {
    child.kill('SIGKILL')
    await exit
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  await until(() => out.includes('\n') || child.exitCode !== null)
  const url = /gateway ready on (\S+)/.exec(out)?.[1] ?? ''

  const refused = await post(`${url}/coffees`, { drink: 'flat white' })
  expect(refused.json()).toEqual({
    type: 'https://spandrel.dev/problems/key-missing',
    title: 'The idempotency key is missing',
    status: 400,
    detail: 'This operation needs an idempotency key in the header Idempotency-Key.',
    correlationId: refused.headers['correlation-id'],
  })
  const made = await post(`${url}/coffees`, { drink: 'flat white' }, { 'idempotency-key': 'k' })
  expect(made).toMatchObject({ status: 201, text: '{"orderId":1}' })

  child.kill('SIGTERM')
  expect(await exit).toBe(0)
})

test('with the sample of OpenTelemetry in front, a request is two spans', async () => {
  const coffee = await service((_request, response) => response.writeHead(201).end('{"orderId":1}'))
  const samples = `${root}docs/samples/gateway`
  const child = spawn(
    process.execPath,
    ['--conditions=spandrel-source', '--import', `${samples}/telemetry.ts`, `${samples}/main.ts`],
    {
      cwd: `${root}docs/samples/coffee`,
      env: { ...process.env, COFFEE_URL: coffee.url, GATEWAY_PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  onCleanup(() => child.kill('SIGKILL'))
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  await until(() => out.includes('\n') || child.exitCode !== null)
  const url = /gateway ready on (\S+)/.exec(out)?.[1] ?? ''
  expect((await post(`${url}/coffees`, { drink: 'flat white' }, { 'idempotency-key': 'k' })).status).toBe(201)
  await until(() => out.includes("'http.route': '/coffees'") && out.includes("'peer.service': 'coffee'"))
  expect(out).toContain("name: 'POST /coffees'")
})
