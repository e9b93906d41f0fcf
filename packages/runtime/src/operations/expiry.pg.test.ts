import pg from 'pg'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { ask, effects, until } from '../../test/ask.ts'
import { bookingService, prepareBookings } from '../../test/bookings-service.ts'
import { flushStatistics } from '../../test/flush-statistics.ts'
import { asDatabase } from '../database/as-database.ts'
import { createExpiryLoop, expireKeys } from '../service/expiry.ts'
import type { Service } from '../service/create-service.ts'

let database: TestDatabase
const services: Service[] = []
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

beforeAll(async () => {
  database = await testDatabase({ max: 20 })
  await prepareBookings(database.pool)
})

afterEach(async () => {
  for (const service of services.splice(0)) await service.close()
})

async function keys(): Promise<string[]> {
  const { rows } = await database.pool.query<{ key: string }>('select key from spandrel.keys order by key')
  return rows.map(({ key }) => key)
}

async function insertKeys(
  count: number,
  more: { subscription?: string; partitionkey?: string; expired?: boolean } = {},
): Promise<void> {
  await database.pool.query(
    `insert into spandrel.keys (operation, scope, key, fingerprint, state, subscription, partitionkey, done_at, expires_at)
     select 'book', '', coalesce($3, 'k') || '-' || lpad(n::text, greatest(5, length(n::text)), '0'), 'f', 'done', $2, $3, now(), now() + $4::interval from generate_series(1, $1) n`,
    [count, more.subscription ?? null, more.partitionkey ?? null, more.expired === false ? '1 hour' : '-1 second'],
  )
}

test('a key is remembered for as long as its contract says, and forgotten after', async () => {
  const service = bookingService(database.pool, {
    key: { retentionMs: 1000 },
    options: { logger: quiet, expiryMs: 20 },
  })
  services.push(service)
  const { url } = await service.listen({ port: 0 })
  await ask(url, '/bookings', { item: 'kept' }, { key: 'kept' })
  expect(await ask(url, '/bookings', { item: 'kept' }, { key: 'kept' })).toMatchObject({ replayed: true })
  await until('the key is forgotten', async () => !(await keys()).includes('kept'))
  expect(await ask(url, '/bookings', { item: 'kept' }, { key: 'kept' })).toMatchObject({ status: 201, replayed: false })
  expect(await effects(database.pool, 'kept')).toEqual({ effects: 2, messages: 2 })
})

test('a key past its retention is forgotten, also before the expiry has come to it', async () => {
  const service = bookingService(database.pool, {
    key: { retentionMs: 300 },
    options: { logger: quiet, expiryMs: 3_600_000 },
  })
  services.push(service)
  const { url } = await service.listen({ port: 0 })
  await ask(url, '/bookings', { item: 'late' }, { key: 'late' })
  const past = `select 1 from spandrel.keys where key = 'late' and expires_at < clock_timestamp()`
  await until('its time is up', async () => (await database.pool.query(past)).rowCount === 1)
  expect(await ask(url, '/bookings', { item: 'late' }, { key: 'late' })).toMatchObject({ status: 201, replayed: false })
  expect(await effects(database.pool, 'late')).toEqual({ effects: 2, messages: 2 })
})

test('FM06: batches, past rows that somebody has locked', async () => {
  await database.pool.query('delete from spandrel.keys')
  await insertKeys(1200)
  const locker = await database.pool.connect()
  await locker.query('begin')
  await locker.query(`select from spandrel.keys where key = 'k-00007' for update`)
  const batches: number[] = []
  for (let count = -1; count !== 0;)
    batches.push((count = await expireKeys.batch(asDatabase(database.pool).query, 500)))
  expect(batches).toEqual([500, 500, 199, 0])
  expect(await keys()).toEqual(['k-00007'])
  await locker.query('rollback')
  locker.release()
  await database.pool.query('delete from spandrel.keys')
})

test('keys of an ordering key that has held messages stay: its replay must find what was done', async () => {
  await insertKeys(2, { subscription: 's', partitionkey: 'held' })
  await insertKeys(2, { subscription: 's', partitionkey: 'free' })
  await insertKeys(2, { expired: false })
  await database.pool.query(
    `insert into spandrel.held (subscription, channel, partition, partitionkey, source, message_id, type, attributes, data)
     values ('s', 'c', 0, 'held', 'x', 'm1', 't', '{}', '{}')`,
  )
  await expireKeys.batch(asDatabase(database.pool).query, 500)
  expect(await keys()).toEqual(['held-00001', 'held-00002', 'k-00001', 'k-00002'])
  await database.pool.query('delete from spandrel.held')
  await database.pool.query('delete from spandrel.keys')
})

test('one process at a time, by lease; the next takes over when it is gone', async () => {
  await database.pool.query('delete from spandrel.leases')
  const rounds: string[] = []
  const loop = (name: string) =>
    createExpiryLoop({
      query: asDatabase(database.pool).query,
      logger: quiet,
      everyMs: 5,
      expiries: [{ name: 'rounds', batch: () => Promise.resolve(rounds.push(name) * 0) }],
    })
  const [first, second] = [loop('first'), loop('second')]
  await first.start()
  await until('the first works', () => rounds.length > 0)
  await second.start()
  await until('the second has looked', () => (second.health().lastSuccess ?? 0) > 0)
  await until('many rounds passed', () => rounds.length > 10)
  expect(new Set(rounds)).toEqual(new Set(['first']))
  await first.stop({ deadlineMs: 1000 })
  await until('the second works', () => rounds.includes('second'))
  await second.stop({ deadlineMs: 1000 })
})

test('FM06: among 300,000 keys an expiry reads only what it deletes', async () => {
  await insertKeys(300_000, { expired: false })
  await insertKeys(100, { partitionkey: 'old', subscription: 's' })
  await database.pool.query('vacuum analyze spandrel.keys')
  const one = new pg.Pool({ connectionString: database.url, max: 1 })
  const before = await blocksSeen(one)
  expect(await expireKeys.batch(asDatabase(one).query, 500)).toBe(100)
  // The table has thousands of blocks; a scan of it would see them all.
  expect((await blocksSeen(one)) - before).toBeLessThan(1000)
  await one.end()
  const { rows } = await database.pool.query<{ blocks: number }>(
    `select (pg_relation_size('spandrel.keys') / 8192)::int as blocks`,
  )
  expect(rows[0]?.blocks).toBeGreaterThan(3000)
})

/** Blocks of the table that were looked at; the pool has one connection, which first tells what it did. */
async function blocksSeen(one: pg.Pool): Promise<number> {
  await flushStatistics(async (sql) => one.query(sql))
  const { rows } = await one.query<{ blocks: number }>(
    `select (heap_blks_read + heap_blks_hit)::int as blocks
     from pg_statio_user_tables where relid = 'spandrel.keys'::regclass`,
  )
  return rows[0]?.blocks ?? 0
}
