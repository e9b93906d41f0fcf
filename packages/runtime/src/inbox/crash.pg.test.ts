import { existsSync, readFileSync } from 'node:fs'
import type { Pool } from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  effectCount,
  effects,
  feed,
  inversions,
  message,
  migrateFor,
  rows,
  testContract,
  until,
} from '../../test/consuming.ts'
import type { Sink } from '../../test/sink-process.ts'
import { Sinks } from '../../test/sinks.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

async function world(): Promise<{ url: string; pool: Pool; transport: Transport; sinks: Sinks }> {
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [testContract()])
  const transport = await openTransport(url)
  cleanup.add(transport)
  return { url, pool, transport, sinks: cleanup.add(new Sinks()) }
}

const tuning = { leaseMs: 1500, renewMs: 200 }
const count = 300
const fed = (): ReturnType<typeof message>[] =>
  Array.from({ length: count }, (_, n) => message(n, { key: `k${n % 15}` }))

/** Every message once, each key in order, its record and its message beside it, nothing held, nothing counted. */
async function everythingOnce(pool: Pool, expected: number): Promise<void> {
  await until(
    () => effectCount(pool),
    (n) => n >= expected,
    25_000,
  )
  const seen = await effects(pool)
  expect(seen).toHaveLength(expected)
  expect(new Set(seen.map(({ message: id }) => id)).size).toBe(expected)
  expect(inversions(seen.map((effect) => ({ ...effect, who: 'any' })))).toEqual([])
  expect(await rows(pool, "select count(*)::int as n from spandrel.inbox where outcome = 'handled'")).toEqual([
    { n: expected },
  ])
  expect(await rows(pool, 'select count(*)::int as n from spandrel.outbox')).toEqual([{ n: expected }])
  expect(await rows(pool, 'select 1 from spandrel.held')).toEqual([])
  expect(
    await rows(
      pool,
      "select kind, detail from spandrel.journal where kind in ('attempt-failed', 'attempt-died', 'dead')",
    ),
  ).toEqual([])
}

/** Acts by message; each message's tries all used one key. */
function actsOf(file: string): Map<number, number> {
  const acts = new Map<number, number>()
  const keys = new Map<string, string>()
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []) {
    const [n = '', key = ''] = line.split(' ')
    acts.set(Number(n), (acts.get(Number(n)) ?? 0) + 1)
    expect(keys.get(n) ?? key).toBe(key)
    keys.set(n, key)
  }
  return acts
}

describe('laws 3, 4, 7, FM08, FM40: a process that is killed', { timeout: 120_000 }, () => {
  const points = [
    'consumer.fetched@2',
    'consumer.claimed@3',
    'consumer.handled@3',
    'consumer.committed@3',
    'consumer.settled@2',
  ]
  for (const style of ['plain', 'external', 'batch'] as const) {
    test(`at every point, one after the other, loses nothing and doubles nothing (${style})`, async () => {
      const { url, pool, transport, sinks } = await world()
      const actLog = await sinks.file('acts')
      const sink: Sink = { url, style, name: 'a', tuning, actLog }
      let n = 0
      const feedMore = (): Promise<void> =>
        feed(
          transport,
          Array.from({ length: 15 }, () => message(n, { key: `k${n++ % 15}` })),
        )
      await feedMore()
      await sinks.start({ ...sink, name: 'b' })
      for (const at of style === 'external' ? [...points, 'consumer.acted@20'] : points) {
        const [point, nth] = at.split('@')
        const victim = await sinks.start(sink, `${point}=kill@${nth}`)
        const ended: unknown[] = []
        void victim.exited.then((how) => ended.push(how))
        // Work goes on until it is dead; the other replica may be quicker, so there is more and more.
        while (ended.length === 0) {
          await feedMore()
          await until(
            () => effectCount(pool),
            (done) => done > n - 150 || ended.length > 0,
          )
        }
        expect([at, ...ended]).toEqual([at, 'SIGKILL'])
        expect(victim.fired()).toEqual([`${point} kill`])
        // One message in hand at three deaths in a row would rightly be charged with the third (FM10).
        await until(
          () => effectCount(pool),
          (done) => done === n,
          25_000,
        )
      }
      await feedMore()
      await everythingOnce(pool, n)
      const takeovers = await rows(pool, "select 1 from spandrel.journal where kind = 'takeover'")
      expect(takeovers.length).toBeGreaterThan(0)
      if (style !== 'external') return
      const acts = actsOf(actLog)
      expect(acts.size).toBe(n)
      // What was in flight, and only that, was acted again.
      const repeated = [...acts.values()].filter((times) => times > 1).length
      expect(repeated).toBeGreaterThan(0)
      expect(repeated).toBeLessThanOrEqual(6 * 32)
    })
  }
})

describe('FM04 FM05 a process that is frozen past its lease', { timeout: 90_000 }, () => {
  for (const [style, at] of [
    ['plain', 'consumer.handled@2'],
    ['plain', 'consumer.committed@2'],
    ['external', 'consumer.acted@10'],
  ] as const) {
    test(`and thawed, at ${at} (${style}), can neither double nor reorder`, async () => {
      const { url, pool, transport, sinks } = await world()
      const sink: Sink = { url, style, name: 'a', tuning }
      const [point, nth] = at.split('@')
      const messages = fed()
      await feed(transport, messages.slice(0, 100))
      const victim = await sinks.start(sink, `${point}=stop@${nth}`)
      await sinks.start({ ...sink, name: 'b' })
      for (let i = 100; i < count; i += 20) await feed(transport, messages.slice(i, i + 20))
      await until(
        () => victim.fired(),
        ({ length }) => length === 1,
      )
      await until(
        () => effectCount(pool),
        (n) => n === count,
        25_000,
      )
      // Its lease runs out also where nothing is left to do.
      const takenOver = await until(
        () => rows(pool, "select 1 from spandrel.journal where kind = 'takeover'"),
        ({ length }) => length > 0,
      )
      expect(takenOver.length).toBeGreaterThan(0)
      victim.signal('SIGCONT')
      // It finds that its partitions are somebody else's, and takes part again.
      await until(
        () =>
          rows<{ owners: number }>(
            pool,
            'select count(distinct owner)::int as owners from spandrel.partitions where until > clock_timestamp()',
          ),
        ([row]) => row?.owners === 2,
      )
      await feed(
        transport,
        Array.from({ length: 30 }, (_, n) => message(count + n, { key: `k${n % 15}` })),
      )
      await everythingOnce(pool, count + 30)
    })
  }
})

describe('FM10 a message that ends its process', { timeout: 90_000 }, () => {
  for (const style of ['plain', 'external'] as const) {
    test(`becomes a dead letter after as many careful deaths as it has attempts; nothing else is touched (${style})`, async () => {
      const { url, pool, transport, sinks } = await world()
      const retry = { attempts: 2, backoff: 'fixed', delayMs: 50, maxDelayMs: 50 } as const
      const sink: Sink = { url, style, name: 'a', tuning, crashOn: 33, receives: { retry } }
      await feed(transport, fed().slice(0, 100))
      let deaths = 0
      let current = await sinks.start(sink)
      const dead = (): Promise<{ n: number; reason: string; attempts: number }[]> =>
        rows(
          pool,
          "select (data::json ->> 'n')::int as n, reason, attempts from spandrel.held where dead_at is not null",
        )
      while ((await dead()).length === 0) {
        const code = await Promise.race([current.exited, until(dead, ({ length }) => length > 0, 20_000)])
        if (typeof code === 'object') break
        expect(code).toBe(7)
        deaths++
        expect(deaths).toBeLessThan(6)
        current = await sinks.start(sink)
      }
      expect(await dead()).toEqual([{ n: 33, reason: 'crashed', attempts: 2 }])
      expect(deaths).toBeGreaterThanOrEqual(3)
      // 33 is of key k3: 48, 63, 78 and 93 wait behind it.
      await until(
        () => effectCount(pool),
        (n) => n >= 95,
      )
      const seen = await effects(pool)
      expect(seen).toHaveLength(95)
      expect(inversions(seen)).toEqual([])
      const states = await until(
        () => rows(pool, 'select state, count(*)::int as n from spandrel.held_messages group by 1 order by 1'),
        (list) => list.some(({ n }) => n === 4),
      )
      expect(states).toEqual([
        { state: 'dead', n: 1 },
        { state: 'waiting', n: 4 },
      ])
      const died = await rows(
        pool,
        "select detail::json ->> 'attempt' as attempt from spandrel.journal where kind = 'attempt-died' order by id",
      )
      expect(died).toEqual([{ attempt: '1' }, { attempt: '2' }])
    })
  }
})

describe('law 8 FM25 SIGTERM', { timeout: 90_000 }, () => {
  test('finishes what runs, releases at once, counts nothing', async () => {
    const { url, pool, transport, sinks } = await world()
    const sink: Sink = { url, style: 'plain', name: 'a', handlerMs: 100, tuning: { leaseMs: 60_000 } }
    await feed(transport, fed())
    const first = await sinks.start(sink)
    await until(
      () =>
        rows(pool, "select 1 from pg_stat_activity where application_name = 'a' and state like 'idle in transaction%'"),
      ({ length }) => length > 0,
    )
    first.signal('SIGTERM')
    expect(await first.exited).toBe(0)
    expect(
      await rows(pool, 'select 1 from spandrel.partitions where owner is not null or careful_until > position'),
    ).toEqual([])
    // With a lease of a minute: whoever comes next need not wait for it.
    await sinks.start({ ...sink, name: 'b' })
    await everythingOnce(pool, count)
    expect(await rows(pool, "select 1 from spandrel.journal where kind = 'takeover'")).toEqual([])
  })
})
