import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ask, onCleanup, post, service, until } from '../test/servers.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

const orders = `
openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths:
  /orders:
    post:
      operationId: placeOrder
      x-guarantees:
        timeout: PT5S
        idempotency: { key: $request.header.Idempotency-Key, scope: global, retention: PT24H }
      parameters:
        - { name: Idempotency-Key, in: header, required: true, schema: { type: string } }
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: '#/components/schemas/Order' } } }
      responses: { '202': { description: accepted } }
  /orders/{orderId}:
    get:
      operationId: getOrder
      parameters:
        - { name: orderId, in: path, required: true, schema: { type: integer } }
      responses: { '200': { description: the order } }
components:
  schemas:
    Order:
      type: object
      required: [sku]
      properties: { sku: { type: string } }
`

const spandrel = `
version: 1
system: shop
services:
  orders: { owner: team-orders, contracts: [orders.openapi.yaml], url: '\${ORDERS_URL:-http://127.0.0.1:1}' }
`

async function folder(files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gateway-'))
  onCleanup(() => rm(dir, { recursive: true }))
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, name), text)))
  return join(dir, 'spandrel.yaml')
}

interface Running {
  child: ChildProcess
  out: () => string
  err: () => string
  lines: () => Record<string, unknown>[]
  exit: Promise<number | null>
}

function start(arguments_: string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, ['--conditions=spandrel-source', main, ...arguments_], {
    env: { ...process.env, GATEWAY_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const exit = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  onCleanup(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const lines = (): Record<string, unknown>[] =>
    out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { child, out: () => out, err: () => err, lines, exit }
}

async function ready(running: Running): Promise<string> {
  await until(() => running.out().includes('"gateway ready"') || running.child.exitCode !== null)
  const line = running.lines().find(({ msg }) => msg === 'gateway ready')
  if (line === undefined) throw new Error(`it did not start: ${running.out()}${running.err()}`)
  return String(line['url'])
}

test('serves a system from its files, with URLs from the environment, and drains on SIGTERM', async () => {
  const waiting: (() => void)[] = []
  const one = await service((_request, response) => waiting.push(() => response.writeHead(202).end('taken')))
  const config = await folder({ 'spandrel.yaml': spandrel, 'orders.openapi.yaml': orders })
  const running = start(['--config', config], {
    ORDERS_URL: one.url,
    GATEWAY_ACCESS_LOG: '1',
    SPANDREL_MANAGEMENT_TOKEN: 't',
  })
  const url = await ready(running)

  expect((await ask(`${url}/.spandrel/ready`)).status).toBe(200)
  expect((await ask(`${url}/.spandrel/metrics`)).status).toBe(401)
  expect((await ask(`${url}/orders/seven`)).json()['errors']).toEqual([
    { in: 'path', name: 'orderId', detail: 'must be integer' },
  ])
  expect((await post(`${url}/orders`, { sku: 'chair' })).json()['type']).toBe(
    'https://spandrel.dev/problems/key-missing',
  )
  expect((await post(`${url}/orders`, {}, { 'idempotency-key': 'k' })).json()['errors']).toEqual([
    { in: 'body', pointer: '', detail: 'lacks "sku"' },
  ])

  const placed = post(`${url}/orders`, { sku: 'chair' }, { 'idempotency-key': 'k', 'correlation-id': 'c-1' })
  await until(() => waiting.length === 1)
  // One wish to stop may come twice: from the terminal, and from whoever started it.
  running.child.kill('SIGTERM')
  running.child.kill('SIGINT')
  await until(() => running.out().includes('gateway stopping'))
  waiting[0]?.()
  expect(await placed).toMatchObject({ status: 202, text: 'taken' })
  expect(await running.exit).toBe(0)
  const messages = running.lines().map(({ msg }) => msg)
  expect(messages.filter((message) => message === 'gateway ready')).toHaveLength(1)
  expect(messages.at(-1)).toBe('gateway stopped')
  expect(running.lines()).toContainEqual(
    expect.objectContaining({ msg: 'request', operation: 'placeOrder', status: 202, correlationId: 'c-1' }),
  )
  expect(running.err()).toBe('')
})

test('SIGHUP reads the files again; what is wrong with them is told, and the old ones go on', async () => {
  const one = await service()
  const config = await folder({ 'spandrel.yaml': spandrel, 'orders.openapi.yaml': orders })
  const document = join(dirname(config), 'orders.openapi.yaml')
  const running = start(['--config', config], { ORDERS_URL: one.url, SPANDREL_MANAGEMENT_TOKEN: 't' })
  const url = await ready(running)

  await writeFile(document, orders.replace('  /orders/{orderId}:', '  /bookings/{orderId}:'))
  running.child.kill('SIGHUP')
  await until(() => running.out().includes('contracts reloaded'))
  expect((await ask(`${url}/bookings/7`)).status).toBe(200)
  expect((await ask(`${url}/orders/7`)).status).toBe(404)

  await writeFile(document, orders.replace('paths:', 'pahts:'))
  running.child.kill('SIGHUP')
  await until(() => running.out().includes('the new contracts were refused'))
  const [refusal] = running.lines().filter(({ level }) => level === 50)
  expect(refusal?.['findings']).toContainEqual({
    message: expect.stringContaining('`pahts`'),
    at: `${document}:4:1`,
    suggestion: 'did you mean `paths`?',
  })
  expect((await ask(`${url}/bookings/7`)).status).toBe(200)

  await writeFile(document, orders)
  const reloaded = await post(`${url}/.spandrel/reload`, {}, { authorization: 'Bearer t' })
  expect(reloaded.json()).toMatchObject({ loaded: true, contracts: { reloads: 2, services: { orders: '1.0.0' } } })
  expect((await ask(`${url}/orders/7`)).status).toBe(200)
  expect(running.child.exitCode).toBeNull()
})

test('the port of the flag wins over the one of the environment; a taken one is said plainly', async () => {
  const one = await service()
  const config = await folder({ 'spandrel.yaml': spandrel, 'orders.openapi.yaml': orders })
  const running = start(['--config', config, '--port', String(one.port)])
  expect(await running.exit).toBe(2)
  expect(running.err()).toMatch(/^gateway: .*EADDRINUSE.*\n$/)
})

test.each([
  ['a file that is not there', ['--config', 'nowhere.yaml'], {}, /nowhere\.yaml/],
  ['a port that is none', ['--config', 'nowhere.yaml', '--port', 'http'], {}, /--port must be a port, and is "http"/],
  ['an unknown flag', ['--prot', '80'], {}, /Unknown option '--prot'/],
])('%s: exit code 2, what is wrong, no stack', async (_what, arguments_, env, message) => {
  const running = start(arguments_, env)
  expect(await running.exit).toBe(2)
  expect(running.err()).toMatch(message)
  expect(running.err()).not.toMatch(/\n\s+at /)
})

test('two services with one route: exit code 2, both places with their lines', async () => {
  const config = await folder({
    'spandrel.yaml': `${spandrel}  archive: { owner: team-archive, contracts: [archive.openapi.yaml], url: 'http://127.0.0.1:2' }\n`,
    'orders.openapi.yaml': orders,
    'archive.openapi.yaml': orders.replaceAll('Orders', 'Archive'),
  })
  const running = start(['--config', config])
  expect(await running.exit).toBe(2)
  expect(running.err()).toMatch(
    /same route POST \/orders:\n\s+\S+orders\.openapi\.yaml:\d+:\d+\n\s+\S+archive\.openapi\.yaml:\d+:\d+/,
  )
  expect(running.err()).not.toMatch(/\n\s+at /)
})
