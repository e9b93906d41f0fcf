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
  type Payload,
  rows,
  runConsumer,
  testContract,
  type TestHandlers,
  until,
} from '../../test/consuming.ts'
import type { PgTransaction } from '../database/pg.ts'
import { Outage } from '../errors.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'
import { external, type ActContext, type ReceivedMessage, type ReceiveContext } from './handlers.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const contract = testContract({ thing: { effects: 'external' } })

async function world(): Promise<{ url: string; pool: Pool; transport: Transport }> {
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  return { url, pool, transport: cleanup.add(await openTransport(url)) }
}

type Message = ReceivedMessage<Payload>

function handler<Result>(
  act: (received: Message, context: ActContext) => Promise<Result>,
  before: (
    received: Message & { readonly result: Result },
    context: ReceiveContext<never, PgTransaction>,
  ) => Promise<void> | void = () => {},
): TestHandlers {
  return {
    thing: external({
      act: act as never,
      async handle(received: Message & { readonly result: Result }, context: ReceiveContext<never, PgTransaction>) {
        await before(received, context)
        await context.tx.query('insert into effects (who, message, k, n) values ($1, $2, $3, $4)', [
          String(received.result),
          received.id,
          received.attributes.partitionkey ?? null,
          received.data.n,
        ])
      },
    }) as unknown as TestHandlers[string],
  }
}

describe('external effects', () => {
  test('act runs outside any transaction, many keys at once, one key in order; handle commits its result', async () => {
    const { url, pool, transport } = await world()
    await feed(
      transport,
      Array.from({ length: 60 }, (_, n) => message(n, { key: `k${n % 12}` })),
    )
    let atOnce = 0
    let most = 0
    const busy = new Set<string>()
    const overlaps: string[] = []
    const running = cleanup.add(
      await runConsumer(
        url,
        contract,
        handler(async ({ data, attributes }) => {
          const key = attributes.partitionkey ?? ''
          if (busy.has(key)) overlaps.push(key)
          busy.add(key)
          most = Math.max(most, ++atOnce)
          await new Promise((resolve) => setTimeout(resolve, 20))
          atOnce--
          busy.delete(key)
          return `r${data.n}`
        }),
      ),
    )
    await until(
      () => effectCount(pool),
      (n) => n === 60,
    )
    const seen = await effects(pool)
    expect(seen.every(({ who, n }) => who === `r${n}`)).toBe(true)
    expect(inversions(seen.map((effect) => ({ ...effect, who: 'a' })))).toEqual([])
    expect(overlaps).toEqual([])
    expect(most).toBeGreaterThan(4)
    expect(await rows(pool, 'select state, count(*)::int as n from spandrel.keys group by 1')).toEqual([
      { state: 'done', n: 60 },
    ])
    await running.stop()
    expect(await rows(pool, 'select 1 from spandrel.partitions where owner is not null')).toEqual([])
  })

  test('one poison among 100: the healthy 99 acted 99 times', async () => {
    const { url, pool, transport } = await world()
    await feed(
      transport,
      Array.from({ length: 100 }, (_, n) => message(n, { key: `k${n}` })),
    )
    let acts = 0
    let poisoned = 0
    cleanup.add(
      await runConsumer(
        url,
        contract,
        handler(async ({ data }) => {
          if (data.n === 42) {
            poisoned++
            throw new Error('poison')
          }
          acts++
        }),
      ),
    )
    await until(
      () => effectCount(pool),
      (n) => n === 99,
    )
    await until(
      () => rows(pool, 'select 1 from spandrel.held where dead_at is not null'),
      ({ length }) => length === 1,
    )
    expect({ acts, poisoned }).toEqual({ acts: 99, poisoned: 3 })
  })

  test('one poison in handle: the acts of its neighbours are not repeated', async () => {
    const { url, pool, transport } = await world()
    await feed(
      transport,
      Array.from({ length: 100 }, (_, n) => message(n, { key: `k${n}` })),
    )
    const acts = new Map<number, number>()
    const keys = new Map<number, Set<string>>()
    let wait: (() => void) | undefined
    const all = new Promise<void>((resolve) => {
      wait = resolve
    })
    cleanup.add(
      await runConsumer(
        url,
        contract,
        handler(
          async ({ data }, { key }) => {
            acts.set(data.n, (acts.get(data.n) ?? 0) + 1)
            keys.set(data.n, (keys.get(data.n) ?? new Set()).add(key))
            // Together, so that their results share a transaction.
            if (acts.size === 100) wait?.()
            await all
          },
          ({ data }) => {
            if (data.n === 42) throw new Error('poison')
          },
        ),
        { tuning: { maxActs: 100 } },
      ),
    )
    await until(
      () => effectCount(pool),
      (n) => n === 99,
    )
    await until(
      () => rows(pool, 'select 1 from spandrel.held where dead_at is not null'),
      ({ length }) => length === 1,
    )
    for (let n = 0; n < 100; n++) expect([n, acts.get(n)]).toEqual([n, n === 42 ? 3 : 1])
    // The same key for each try, and another for each message.
    expect([...keys.values()].every(({ size }) => size === 1)).toBe(true)
    expect(new Set([...keys.values()].flatMap((set) => [...set])).size).toBe(100)
  })

  test('a slow act keeps nobody else', async () => {
    const { url, pool, transport } = await world()
    let release: (() => void) | undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    cleanup.add(
      await runConsumer(
        url,
        contract,
        handler(async ({ data }) => {
          if (data.n === 0) await gate
        }),
      ),
    )
    await feed(transport, [
      message(0, { key: 'slow' }),
      message(1, { key: 'slow' }),
      ...Array.from({ length: 50 }, (_, n) => message(n + 2, { key: `k${n}` })),
    ])
    await until(
      () => effectCount(pool),
      (n) => n === 50,
    )
    expect((await effects(pool)).some(({ k }) => k === 'slow')).toBe(false)
    release?.()
    await until(
      () => effectCount(pool),
      (n) => n === 52,
    )
    expect((await effects(pool)).filter(({ k }) => k === 'slow').map(({ n }) => n)).toEqual([0, 1])
  })

  test('its lease is renewed while it runs, so nobody else claims the intent', async () => {
    const { url, pool, transport } = await world()
    let runs = 0
    cleanup.add(
      await runConsumer(
        url,
        contract,
        handler(async () => {
          runs++
          await new Promise((resolve) => setTimeout(resolve, 900))
        }),
        { tuning: { leaseMs: 300, renewMs: 50 } },
      ),
    )
    await feed(transport, [message(1, { key: 'a' })])
    await until(
      () => runs,
      (n) => n === 1,
    )
    await until(
      () =>
        rows<{ past: boolean; live: boolean }>(
          pool,
          "select clock_timestamp() > claimed_at + interval '600 ms' as past, lease_until > clock_timestamp() as live from spandrel.keys",
        ),
      ([row]) => row?.past === true,
    )
    expect(await rows(pool, 'select lease_until > clock_timestamp() as live from spandrel.keys')).toEqual([
      { live: true },
    ])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    expect(runs).toBe(1)
  })

  test('an outage in act pauses, and counts nothing', async () => {
    const { url, pool, transport } = await world()
    let down = true
    let tries = 0
    cleanup.add(
      await runConsumer(
        url,
        contract,
        handler(async () => {
          tries++
          if (down) throw new Outage('the card network is down')
        }),
      ),
    )
    await feed(
      transport,
      Array.from({ length: 20 }, (_, n) => message(n, { key: `k${n % 4}` })),
    )
    await until(
      () => tries,
      (n) => n >= 6,
    )
    expect(await rows(pool, 'select 1 from spandrel.held')).toEqual([])
    down = false
    await until(
      () => effectCount(pool),
      (n) => n === 20,
    )
    expect(inversions(await effects(pool))).toEqual([])
    expect(await rows(pool, "select 1 from spandrel.journal where kind = 'attempt-failed'")).toEqual([])
  })

  test('an act that takes too long has had an attempt, and its signal was aborted', async () => {
    const impatient = testContract({ thing: { effects: 'external', timeoutMs: 100, retry: 'none' } })
    const { url, pool, transport } = await world()
    let aborted = false
    cleanup.add(
      await runConsumer(
        url,
        impatient,
        handler(async (_, { signal }) => {
          signal.addEventListener('abort', () => (aborted = true))
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        }),
      ),
    )
    await feed(transport, [message(1, { key: 'a' })])
    const [row] = await until(
      () => rows(pool, 'select reason, attempts from spandrel.held where dead_at is not null'),
      ({ length }) => length === 1,
    )
    expect(row).toEqual({ reason: 'timeout', attempts: 1 })
    expect(aborted).toBe(true)
  })
})
