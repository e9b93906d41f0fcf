/** Found by `spandrel verify` on the shop: a database that does not answer held answers up far past their time. */
import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { ask, effects } from '../../test/ask.ts'
import { bookingService, begun, gates, prepareBookings } from '../../test/bookings-service.ts'
import { cuttingProxy } from '../../test/cutting-proxy.ts'
import { pgDatabase } from '../database/pg.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const timeoutMs = 1000
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function serve(url: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: url, max: 10, pipeline: true })
  pool.on('error', () => {})
  // Statements outside a transaction are given up after answerMs; a pool ends only then.
  const service = bookingService(pgDatabase(pool, { answerMs: 1500 }) as never, {
    timeoutMs,
    options: { logger: quiet },
  })
  closing.push(
    () => pool.end(),
    () => service.close(),
  )
  return (await service.listen({ port: 0 })).url
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const began = performance.now()
  const result = await work
  return { result, ms: performance.now() - began }
}

test.each(['/bookings', '/waiting-bookings', '/plain-bookings'])(
  '%s: an answer comes in time, and the same request works again afterwards, once',
  async (path) => {
    const database = await testDatabase()
    await prepareBookings(database.pool)
    const proxy = await cuttingProxy(database.url)
    closing.push(() => proxy.close())
    const url = await serve(proxy.url)
    const key = path === '/plain-bookings' ? {} : { key: 'one' }
    await ask(url, path, { item: 'warm' }, path === '/plain-bookings' ? {} : { key: 'warm' })
    expect(proxy.silence()).toBeGreaterThan(0)
    const { result, ms } = await timed(ask(url, path, { item: 'a' }, key))
    expect(result).toMatchObject({ status: 504, problem: 'timeout' })
    expect(ms).toBeLessThan(timeoutMs + 600)
    await expect.poll(async () => (await ask(url, path, { item: 'a' }, key)).status, { timeout: 10_000 }).toBe(201)
    expect((await effects(database.pool, 'a')).effects).toBe(1)
  },
)

test('silent while the handler runs, so at COMMIT: nobody can tell, and the key record does', async () => {
  const database = await testDatabase()
  await prepareBookings(database.pool)
  const proxy = await cuttingProxy(database.url)
  closing.push(() => proxy.close())
  const url = await serve(proxy.url)
  gates.set('commit', Promise.withResolvers())
  const first = timed(ask(url, '/bookings', { item: 'b', does: 'gate:commit' }, { key: 'two' }))
  await expect.poll(() => begun.has('b')).toBe(true)
  expect(proxy.silence()).toBeGreaterThan(0)
  gates.get('commit')!.resolve()
  const { result, ms } = await first
  expect(result.status).toBeGreaterThanOrEqual(503)
  expect(ms).toBeLessThan(timeoutMs + 800)
  await expect
    .poll(async () => (await ask(url, '/bookings', { item: 'b', does: 'gate:commit' }, { key: 'two' })).status, {
      timeout: 10_000,
    })
    .toBe(201)
  expect((await effects(database.pool, 'b')).effects).toBe(1)
})

test('a connection that is never opened is not waited for either', async () => {
  const database = await testDatabase()
  await prepareBookings(database.pool)
  const proxy = await cuttingProxy(database.url)
  const held = new Set<Socket>()
  let open = true
  const target = new URL(proxy.url)
  // Takes connections and says nothing on them, once `open` is false.
  const mute = createServer((socket) => {
    held.add(socket.on('error', () => {}))
    if (!open) return
    const far = connect(Number(target.port), target.hostname).on('error', () => socket.destroy())
    socket.pipe(far).pipe(socket)
    far.on('close', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  closing.push(
    () => proxy.close(),
    () => new Promise((resolve) => mute.close(resolve)),
  )
  const gone = (): void => held.forEach((socket) => socket.destroy())
  const url = await serve(
    Object.assign(new URL(database.url), { host: `127.0.0.1:${(mute.address() as { port: number }).port}` }).href,
  )
  await ask(url, '/bookings', { item: 'warm' }, { key: 'warm' })
  open = false
  gone()
  const { result, ms } = await timed(ask(url, '/bookings', { item: 'c' }, { key: 'three' }))
  expect(result.status).toBeGreaterThanOrEqual(503)
  expect(ms).toBeLessThan(timeoutMs + 600)
  // A pool waits for a connection that is being opened before it ends.
  open = true
  gone()
})
