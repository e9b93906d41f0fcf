/** A gateway that is killed between a service's effect and its record: what remains is at least once, and visible. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { counting, keysDatabase, order } from '../../test/kept.ts'
import { ask, service, until } from '../../test/servers.ts'

const keys = keysDatabase()
const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const children: ChildProcess[] = []
const folders: string[] = []

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

const contract = `
openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths:
  /orders:
    post:
      operationId: placeOrder
      requestBody: { required: true, content: { application/json: { schema: { type: object } } } }
      responses: { '201': { description: placed } }
      x-guarantees:
        timeout: PT0.5S
        idempotency: { key: $request.header.Idempotency-Key, scope: global, retention: P1D }
`

async function folderOf(serviceUrl: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-keys-'))
  folders.push(folder)
  await writeFile(join(folder, 'orders.openapi.yaml'), contract)
  await writeFile(
    join(folder, 'spandrel.yaml'),
    `version: 1
system: shop
gateway: { database: '\${GATEWAY_DATABASE_URL}' }
services:
  orders: { owner: team-orders, contracts: [orders.openapi.yaml], keys: gateway, url: ${serviceUrl} }
`,
  )
  return folder
}

/** Resolves with its URL once it is ready, or rejects with what it said. */
function start(folder: string, env: NodeJS.ProcessEnv): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(
    process.execPath,
    ['--conditions=spandrel-source', main, '--config', join(folder, 'spandrel.yaml'), '--port', '0'],
    { env: { ...process.env, ...env } },
  )
  children.push(child)
  let said = ''
  return new Promise((resolve, reject) => {
    const hear = (text: Buffer): void => {
      said += text.toString()
      const ready = /"url":"([^"]+)".*gateway ready/.exec(said)
      if (ready?.[1] !== undefined) resolve({ url: ready[1], child })
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.on('exit', () => reject(new Error(said)))
  })
}

test('copies are refused while the lease lasts; then one is carried out again, and that is counted', async () => {
  const answer = counting()
  let first: () => void = () => {}
  let calls = 0
  const orders = await service((request, response, seen) => {
    if (++calls === 1) first = () => answer(request, response, seen)
    else answer(request, response, seen)
  })
  const folder = await folderOf(orders.url)
  const env = { GATEWAY_DATABASE_URL: keys.database().url }
  const [killed, other] = await Promise.all([start(folder, env), start(folder, env)])

  const lost = order(`${killed.url}/orders`, 'k').catch(() => 'no answer')
  await until(() => orders.seen.length === 1)
  killed.child.kill('SIGKILL')
  expect(await lost).toBe('no answer')
  first() // the effect happens; nobody hears of it
  const { rows } = await keys.pool.query(
    "select state, lease_until > clock_timestamp() as open from spandrel_gateway.keys where key = 'k'",
  )
  expect(rows).toEqual([{ state: 'claimed', open: true }])
  expect((await order(`${other.url}/orders`, 'k')).status).toBe(409)
  expect(orders.seen).toHaveLength(1)

  // The lease is twice the operation's time: a second.
  await expect
    .poll(async () => (await order(`${other.url}/orders`, 'k')).status, { timeout: 10_000, interval: 100 })
    .toBe(201)
  expect((await order(`${other.url}/orders`, 'k')).headers['idempotent-replayed']).toBe('true')
  expect(orders.seen).toHaveLength(2)
  const metrics = await ask(`${other.url}/.spandrel/metrics`)
  expect(metrics.text).toContain('spandrel_gateway_key_takeovers_total{operation="orders.placeOrder"} 1')
})

test('its process says what is missing: the database, and the tables in it', async () => {
  const folder = await folderOf('http://127.0.0.1:9')
  await expect(start(folder, { GATEWAY_DATABASE_URL: undefined })).rejects.toThrow(
    /no database to keep the keys of orders.placeOrder\n.*orders.openapi.yaml:6:\d+\nset `gateway.database`/,
  )
  const bare = new URL('/postgres', keys.database().url).href
  await expect(start(folder, { GATEWAY_DATABASE_URL: bare })).rejects.toThrow(
    /no schema spandrel_gateway\nrun `spandrel migrate --gateway`/,
  )
})
