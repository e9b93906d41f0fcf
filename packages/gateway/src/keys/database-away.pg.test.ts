/** The database of key records is away: keyed requests are refused, everything else goes on (FM25, FM26). */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kept, keysDatabase, order } from '../../test/kept.ts'
import { ask, until } from '../../test/servers.ts'

const keys = keysDatabase()
const problem = (name: string): string => `https://spandrel.dev/problems/${name}`
let admin: pg.Client

beforeAll(async () => {
  const url = new URL(keys.database().url)
  url.pathname = '/postgres'
  admin = new pg.Client(url.href)
  await admin.connect()
})
afterAll(() => admin.end())

/** Nobody gets in, and who is in is thrown out. */
async function away(): Promise<void> {
  const { name } = keys.database()
  await admin.query(`alter database ${name} allow_connections false`)
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
}

async function back(): Promise<void> {
  await admin.query(`alter database ${keys.database().name} allow_connections true`)
}

test('nothing is sent for a key that cannot be claimed; the rest goes on; health says so, and when it is over', async () => {
  const { url, orders, gateways } = await kept({}, keys.pool)
  expect((await order(url, 'a1')).status).toBe(201)
  await away()
  const refused = await order(url, 'a2')
  expect([refused.status, refused.json()['type']]).toEqual([503, problem('keys-unavailable')])
  expect(refused.headers['retry-after']).toBe('1')
  expect((await ask(url)).status).toBe(201)
  expect(orders.seen.map(({ method }) => method)).toEqual(['POST', 'GET'])
  const one = gateways[0]?.gateway
  expect(one?.health().keys?.lastError?.message).toMatch(/not currently accepting|terminat/)
  expect(one?.metrics()).toContain('spandrel_gateway_keys_unavailable_total')
  await back()
  expect((await order(url, 'a2')).status).toBe(201)
})

test('a gateway starts while it is away, and says what is missing where it is not migrated', async () => {
  await away()
  const { url } = await kept({}, keys.pool)
  expect((await order(url, 'b1')).status).toBe(503)
  await back()
  expect((await order(url, 'b1')).status).toBe(201)
})

test('an outcome is written once it is back, while the lease lasts; the client is not kept waiting', async () => {
  let answer: () => void = () => {}
  const { url, orders } = await kept(
    { timeoutMs: 1000, handler: (_request, response) => (answer = () => response.writeHead(201).end('{"id":1}')) },
    keys.pool,
  )
  const asked = order(url, 'c1')
  await until(() => orders.seen.length === 1)
  await away()
  answer()
  const told = await asked
  expect([told.status, told.json()['type']]).toEqual([503, problem('outcome-unknown')])
  await back()
  await expect.poll(async () => (await keys.rows('c1'))[0]?.state).toBe('done')
  const copy = await order(url, 'c1')
  expect([copy.status, copy.text, copy.headers['idempotent-replayed']]).toEqual([201, '{"id":1}', 'true'])
  expect(orders.seen).toHaveLength(1)
})

test('a short absence is not noticed by the client', async () => {
  let answer: () => void = () => {}
  const { url, orders } = await kept(
    { handler: (_request, response) => (answer = () => response.writeHead(201).end('{"id":1}')) },
    keys.pool,
  )
  const asked = order(url, 'd1')
  await until(() => orders.seen.length === 1)
  await away()
  answer()
  await back()
  expect((await asked).status).toBe(201)
  expect(await keys.rows('d1')).toMatchObject([{ state: 'done', outcome: 'answered' }])
})

test('a database that says nothing keeps nobody beyond his time', async () => {
  let answer: () => void = () => {}
  const { url, orders } = await kept(
    { timeoutMs: 500, handler: (_request, response) => (answer = () => response.writeHead(409).end('{"no":1}')) },
    keys.pool,
  )
  const asked = order(url, 'e1')
  await until(() => orders.seen.length === 1)
  const lock = await keys.pool.connect()
  try {
    await lock.query('begin; lock table spandrel_gateway.keys in access exclusive mode')
    answer()
    // Its key cannot be released; the answer goes all the same.
    expect((await asked).text).toBe('{"no":1}')
    const refused = await order(url, 'e2')
    expect([refused.status, refused.json()['type']]).toEqual([503, problem('keys-unavailable')])
  } finally {
    await lock.query('rollback')
    lock.release()
  }
  // The claim comes too late, and is given up: nothing was sent.
  await expect.poll(async () => [...(await keys.rows('e1')), ...(await keys.rows('e2'))]).toEqual([])
  expect(orders.seen).toHaveLength(1)
})
