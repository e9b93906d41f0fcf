/** What may go wrong inside a handler's transaction, and what must come of it. */
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { ask, effects, until } from '../../test/ask.ts'
import { bookingService, prepareBookings } from '../../test/bookings-service.ts'
import { faults } from '../faults/test-build.ts'
import type { Service } from '../service/create-service.ts'

let database: TestDatabase
let service: Service
let url: string
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
let number = 0
const fresh = (): string => `item-${++number}`

beforeAll(async () => {
  database = await testDatabase({ max: 20 })
  await prepareBookings(database.pool)
  service = bookingService(database.pool, { options: { logger: quiet } })
  ;({ url } = await service.listen({ port: 0 }))
})

afterAll(() => service.close({ deadlineMs: 1000 }))
afterEach(() => faults.disarm())

const nothing = { effects: 0, messages: 0 }
const once = { effects: 1, messages: 1 }

describe.each(['/bookings', '/plain-bookings'])('%s', (path) => {
  test('a swallowed SQL error fails the operation: nothing of it is committed', async () => {
    const item = fresh()
    expect(await ask(url, path, { item, does: 'swallow' }, { key: item })).toMatchObject({
      status: 500,
      problem: 'internal-error',
    })
    expect(await effects(database.pool, item)).toEqual(nothing)
  })

  test('a savepoint of the handler keeps what it should, and heals what failed in it', async () => {
    const item = fresh()
    expect(await ask(url, path, { item, does: 'savepoint' }, { key: item })).toMatchObject({ status: 201 })
    expect(await effects(database.pool, item)).toEqual(once)
    expect(await effects(database.pool, `${item} undone`)).toEqual(nothing)
    const healed = fresh()
    expect(await ask(url, path, { item: healed, does: 'heal' }, { key: healed })).toMatchObject({ status: 201 })
    expect(await effects(database.pool, healed)).toEqual(once)
  })

  test('a statement that nobody awaited is waited for, and fails the operation where it fails', async () => {
    const item = fresh()
    expect(await ask(url, path, { item, does: 'unawaited' }, { key: item })).toMatchObject({ status: 201 })
    expect(await effects(database.pool, `${item} unawaited`)).toEqual({ effects: 1, messages: 0 })
    const failing = fresh()
    expect(await ask(url, path, { item: failing, does: 'unawaited-failing' }, { key: failing })).toMatchObject({
      status: 500,
    })
    expect(await effects(database.pool, failing)).toEqual(nothing)
  })

  test('an operation that is out of time is cut, rolled back and answered in time; the next try runs', async () => {
    const item = fresh()
    const startedAt = performance.now()
    const headers = { 'request-timeout': '200' }
    expect(await ask(url, path, { item, does: 'stuck' }, { key: item, headers })).toMatchObject({
      status: 504,
      problem: 'timeout',
    })
    expect(performance.now() - startedAt).toBeLessThan(2000)
    expect(await effects(database.pool, item)).toEqual(nothing)
    // Its statement was ended at the server: neither its key nor its rows stay locked.
    await until('its locks are gone', async () => (await locksOn('effects')) === 0)
    expect(await ask(url, path, { item }, { key: item })).toMatchObject({ status: 201, replayed: false })
    expect(await effects(database.pool, item)).toEqual(once)
  })
})

/** On its rows, and of keys. */
async function locksOn(table: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::int from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()
      where relation = $1::regclass or locktype = 'advisory'`,
    [table],
  )
  return rows[0]?.count ?? 0
}

test('a refusal may swallow an SQL error: it is rolled back anyway, remembered, and replayed', async () => {
  const item = fresh()
  const body = { item, does: 'swallow-and-refuse' }
  const first = await ask(url, '/bookings', body, { key: item })
  expect(first).toMatchObject({ status: 422, replayed: false })
  expect(first.text).toContain('refused')
  expect(await ask(url, '/bookings', body, { key: item })).toMatchObject({
    status: 422,
    replayed: true,
    text: first.text,
  })
  expect(await effects(database.pool, item)).toEqual(nothing)
})

test('40001: the attempt runs again from the record on, and there is one effect', async () => {
  await database.pool.query('create sequence broken_off')
  const item = fresh()
  expect(await ask(url, '/bookings', { item, does: 'serialization:broken_off' }, { key: item })).toMatchObject({
    status: 201,
    replayed: false,
  })
  const { rows } = await database.pool.query('select last_value::int as tries from broken_off')
  expect(rows).toEqual([{ tries: 3 }])
  expect(await effects(database.pool, item)).toEqual(once)
  expect(service.metrics()).toContain('spandrel_operation_reruns_total{operation="book"} 2')
})

test('40P01: one of two that deadlock runs again, and both end', async () => {
  // Only a superuser may look for deadlocks later than others.
  const rival = new pg.Client(database.superuser)
  await rival.connect()
  try {
    await rival.query('begin')
    await rival.query(`set local deadlock_timeout = '10s'`)
    await rival.query('lock table effects in share row exclusive mode')
    const item = fresh()
    const asked = ask(url, '/waiting-bookings', { item }, { key: item })
    await until('the operation waits for the rival', async () => {
      const { rows } = await database.pool.query(
        'select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())',
      )
      return rows.length > 0
    })
    // The rival now wants what the operation's transaction holds: its key's lock. Only the operation looks for deadlocks.
    const { rows } = await database.pool.query<{ key: string }>(
      `select ((classid::bigint << 32) | objid::bigint)::text as key from pg_locks
       where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())`,
    )
    await rival.query('select pg_advisory_xact_lock($1::bigint)', [rows[0]?.key])
    await rival.query('commit')
    expect(await asked).toMatchObject({ status: 201 })
    expect(await effects(database.pool, item)).toEqual(once)
  } finally {
    await rival.end()
  }
})

test('FM47: a client that goes away cancels nothing; its retry gets the answer', async () => {
  const item = fresh()
  const abort = new AbortController()
  faults.arm('operation.claimed', 'delay:1')
  const gone = ask(url, '/bookings', { item, ms: 300 }, { key: item, signal: abort.signal })
  await until('the handler runs', () => faults.passed('operation.claimed') > 0)
  abort.abort()
  await expect(gone).rejects.toThrow('aborted')
  await until('the effect is there', async () => (await effects(database.pool, item)).effects === 1)
  expect(await ask(url, '/bookings', { item, ms: 300 }, { key: item })).toMatchObject({ status: 201, replayed: true })
  expect(await effects(database.pool, item)).toEqual(once)
})

test('the connection is lost in the middle: nothing happened, and the retry runs', async () => {
  const item = fresh()
  const asked = ask(url, '/bookings', { item, ms: 500 }, { key: item })
  await until('the transaction is cut', async () => {
    const { rows } = await database.pool.query<{ cut: boolean }>(
      `select pg_terminate_backend(pid) as cut from pg_locks
       where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())`,
    )
    return rows.some(({ cut }) => cut)
  })
  expect(await asked).toMatchObject({ status: 503, problem: 'unavailable' })
  expect(await effects(database.pool, item)).toEqual(nothing)
  expect(await ask(url, '/bookings', { item }, { key: item })).toMatchObject({ status: 201, replayed: false })
})
