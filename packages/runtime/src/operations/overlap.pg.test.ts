/** FM14, FM46, FM49: copies of one request, at once and late, through two instances. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import pg from 'pg'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { ask, type Asked, effects, until } from '../../test/ask.ts'
import type { BookingOptions } from '../../test/bookings-contract.ts'
import { type BookingsProcess, bookingsProcess } from '../../test/bookings-process.ts'
import { begun, bookingService, gates, prepareBookings } from '../../test/bookings-service.ts'
import type { Service } from '../service/create-service.ts'

let database: TestDatabase
const services: Service[] = []
const pools: pg.Pool[] = []
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
let number = 0
const fresh = (): string => `item-${++number}`

beforeAll(async () => {
  database = await testDatabase({ max: 20 })
  await prepareBookings(database.pool)
})

afterEach(async () => {
  for (const service of services.splice(0)) await service.close({ deadlineMs: 1000 })
  for (const pool of pools.splice(0)) await pool.end()
})

/** Two instances with a pool each. */
async function pair(options: BookingOptions = {}, max = 10): Promise<readonly [string, string]> {
  const urls: string[] = []
  for (let index = 0; index < 2; index++) {
    const pool = new pg.Pool({ connectionString: database.url, max, pipeline: true })
    pools.push(pool)
    const service = bookingService(pool, { ...options, options: { logger: quiet } })
    services.push(service)
    urls.push((await service.listen({ port: 0 })).url)
  }
  return [urls[0] ?? '', urls[1] ?? '']
}

/** What each copy was told: `first`, `replay` of it, `refused` as an overlap, or something that must not be. */
function told(answers: readonly Asked[]): string[] {
  const text = answers.find(({ status, replayed }) => status === 201 && !replayed)?.text
  return answers.map((answer) => {
    if (answer.status === 201 && answer.text === text) return answer.replayed ? 'replay' : 'first'
    const refused =
      answer.status === 409 && answer.problem === 'overlap' && Number(answer.headers.get('retry-after')) > 0
    return refused ? 'refused' : `${answer.status} ${answer.text}`
  })
}

function judge(answers: readonly Asked[], mode: 'reject' | 'wait'): void {
  const counts = Object.groupBy(told(answers), (word) => word)
  expect(counts['first']).toHaveLength(1)
  const declared = mode === 'reject' ? ['first', 'replay', 'refused'] : ['first', 'replay']
  expect(declared).toEqual(expect.arrayContaining(Object.keys(counts)))
}

/** A gate that a handler waits at when it is told `gate:<item>`. */
function gateOf(item: string): PromiseWithResolvers<void> {
  const gate = Promise.withResolvers<void>()
  gates.set(item, gate)
  return gate
}

/** How many requests wait for a copy of theirs, in all instances of this process. */
function waiting(): number {
  const values = services.map((service) => /^spandrel_requests_waiting (\d+)$/m.exec(service.metrics())?.[1])
  return values.reduce((sum, value) => sum + Number(value), 0)
}

describe.each(['reject', 'wait'] as const)('%s', (mode) => {
  const path = mode === 'reject' ? '/bookings' : '/waiting-bookings'

  test('FM17: 8 simultaneous copies through two instances: one effect, one message, the declared answers', async () => {
    const urls = await pair()
    for (let round = 0; round < 5; round++) {
      const item = fresh()
      const gate = gateOf(item)
      let answered = 0
      const copies = Array.from({ length: 8 }, async (_, index) => {
        const answer = await ask(urls[index % 2] ?? '', path, { item, does: `gate:${item}` }, { key: item })
        answered++
        return answer
      })
      // The first ends only after every other copy had its answer, or waits for it.
      await until('the others are told or wait', () => (mode === 'reject' ? answered === 7 : waiting() >= 6))
      gate.resolve()
      const answers = await Promise.all(copies)
      judge(answers, mode)
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(mode === 'reject' ? 7 : 0)
      expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
    }
  })

  test('late copies, at 10 to 90 % of the handler, through the other instance and the same one', async () => {
    const urls = await pair()
    const ms = 500
    await Promise.all(
      [10, 30, 50, 70, 90].map(async (percent) => {
        const item = fresh()
        const gate = gateOf(item)
        const body = { item, ms, does: `gate:${item}` }
        const first = ask(urls[0], path, body, { key: item })
        await until('the handler has begun', () => begun.has(item))
        const startedAt = performance.now()
        await until('the time has come', () => performance.now() - startedAt >= (ms * percent) / 100)
        const copies = [ask(urls[1], path, body, { key: item }), ask(urls[0], path, body, { key: item })]
        // Where copies are refused the first lasts until they are, however slow this machine is.
        if (mode === 'wait') gate.resolve()
        const late = await Promise.all(copies)
        gate.resolve()
        const done = await first
        // It really was an overlap: nobody was only told of something that had ended before.
        expect(told([done, ...late])).toEqual(
          mode === 'reject' ? ['first', 'refused', 'refused'] : ['first', 'replay', 'replay'],
        )
        expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
      }),
    )
    const { rows } = await database.pool.query(
      `select count(*)::int as open from pg_stat_activity where state like 'idle in transaction%' and datname = current_database()`,
    )
    expect(rows).toEqual([{ open: 0 }])
  })

  test('a copy after the first is done is a replay, also many at once', async () => {
    const urls = await pair()
    const item = fresh()
    const first = await ask(urls[0], path, { item }, { key: item })
    const copies = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(urls[index % 2] ?? '', path, { item }, { key: item })),
    )
    expect(copies.every(({ status, replayed, text }) => status === 201 && replayed && text === first.text)).toBe(true)
  })

  test('another payload under the key of a running request', async () => {
    const urls = await pair()
    const item = fresh()
    const gate = gateOf(item)
    const first = ask(urls[0], path, { item, does: `gate:${item}` }, { key: item })
    await until('the first holds its key', async () => (await locks()) > 0)
    const copies = [0, 1].map((index) => ask(urls[index] ?? '', path, { item: 'other' }, { key: item }))
    if (mode === 'wait') gate.resolve()
    const others = await Promise.all(copies)
    gate.resolve()
    const expected = mode === 'reject' ? { status: 409, problem: 'overlap' } : { status: 422, problem: 'key-reuse' }
    for (const other of others) expect(other).toMatchObject(expected)
    expect(await first).toMatchObject({ status: 201 })
  })
})

async function locks(): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::int from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
  )
  return rows[0]?.count ?? 0
}

describe('wait', () => {
  test('50 waiters on a pool of 2 hold no connection: other requests go on, and all get the first outcome', async () => {
    const urls = await pair({}, 2)
    const item = fresh()
    const gate = gateOf(item)
    const body = { item, does: `gate:${item}` }
    const first = ask(urls[0], '/waiting-bookings', body, { key: item })
    await until('the first holds its key', async () => (await locks()) > 0)
    const waiters = Array.from({ length: 50 }, (_, index) =>
      ask(urls[index % 2] ?? '', '/waiting-bookings', body, { key: item }),
    )
    await until('they wait', () => waiting() >= 48)
    // While they wait, both instances still have connections for others.
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const other = fresh()
        return ask(urls[index % 2] ?? '', '/bookings', { item: other }, { key: other })
      }),
    )
    expect(others.every(({ status }) => status === 201)).toBe(true)
    expect(waiting()).toBeGreaterThanOrEqual(48)
    gate.resolve()
    const answers = [await first, ...(await Promise.all(waiters))]
    judge(answers, 'wait')
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
  })

  test('the first ends unremembered: one waiter becomes the first, and the others get its outcome', async () => {
    const urls = await pair({ key: { fingerprint: { source: 'request.body', pointer: ['item'] } } })
    const item = fresh()
    const first = ask(urls[0], '/waiting-bookings', { item, ms: 150, does: 'throw' }, { key: item })
    await until('the first holds its key', async () => (await locks()) > 0)
    const copies = Array.from({ length: 8 }, (_, index) =>
      ask(urls[index % 2] ?? '', '/waiting-bookings', { item, ms: 50 }, { key: item }),
    )
    expect(await first).toMatchObject({ status: 500 })
    judge(await Promise.all(copies), 'wait')
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
  })

  test('a waiter whose time is up gets 409, and the first goes on', async () => {
    const urls = await pair()
    const item = fresh()
    const gate = gateOf(item)
    const body = { item, does: `gate:${item}` }
    const first = ask(urls[0], '/waiting-bookings', body, { key: item })
    await until('the first holds its key', async () => (await locks()) > 0)
    const headers = { 'request-timeout': '150' }
    const late = await Promise.all(
      [0, 1].map((index) => ask(urls[index] ?? '', '/waiting-bookings', body, { key: item, headers })),
    )
    for (const answer of late) expect(answer).toMatchObject({ status: 409, problem: 'overlap' })
    gate.resolve()
    expect(await first).toMatchObject({ status: 201 })
  })

  test('a waiter whose client goes away waits no longer, and nothing of it begins', async () => {
    const urls = await pair()
    const item = fresh()
    const gate = gateOf(item)
    const body = { item, does: `gate:${item}` }
    const first = ask(urls[0], '/waiting-bookings', body, { key: item })
    await until('the first holds its key', async () => (await locks()) > 0)
    const abort = new AbortController()
    const waiters = [0, 1, 0].map((index) =>
      ask(urls[index] ?? '', '/waiting-bookings', body, { key: item, signal: abort.signal }),
    )
    const ends = Promise.allSettled(waiters)
    await until('they wait', () => waiting() >= 2)
    abort.abort()
    await until('nobody waits', () => waiting() === 0 && services.every((each) => each.health().requestsInFlight <= 1))
    gate.resolve()
    expect(await first).toMatchObject({ status: 201 })
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
  })

  test('no more wait than the service allows', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 4 })
    pools.push(pool)
    const service = bookingService(pool, { options: { logger: quiet, maxWaiting: 3 } })
    services.push(service)
    const { url } = await service.listen({ port: 0 })
    const item = fresh()
    const gate = gateOf(item)
    const body = { item, does: `gate:${item}` }
    const first = ask(url, '/waiting-bookings', body, { key: item })
    await until('the first holds its key', async () => (await locks()) > 0)
    let refused = 0
    const copies = Array.from({ length: 10 }, async () => {
      const answer = await ask(url, '/waiting-bookings', body, { key: item })
      if (answer.status === 409) refused++
      return answer
    })
    await until('all but three are refused', () => refused === 7)
    gate.resolve()
    const answers = await Promise.all(copies)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(7)
    expect(await first).toMatchObject({ status: 201 })
  })
})

describe('two processes', () => {
  let processes: readonly BookingsProcess[] = []
  beforeAll(async () => {
    processes = await Promise.all([bookingsProcess(database.url), bookingsProcess(database.url)])
  })
  afterAll(async () => {
    await Promise.all(processes.map((each) => each.close()))
  })

  test.each(['reject', 'wait'] as const)('%s: 8 copies at once and 5 late ones', async (mode) => {
    const path = mode === 'reject' ? '/bookings' : '/waiting-bookings'
    const url = (index: number): string => processes[index % 2]?.url ?? ''
    const item = fresh()
    const body = { item, ms: 400 }
    const startedAt = performance.now()
    const copies = Array.from({ length: 8 }, (_, index) => ask(url(index), path, body, { key: item }))
    for (const percent of [10, 30, 50, 70, 90]) {
      await until('the time has come', () => performance.now() - startedAt >= (400 * percent) / 100)
      copies.push(ask(url(percent / 10), path, body, { key: item }))
    }
    judge(await Promise.all(copies), mode)
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
  })
})
