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
  runConsumer,
  testContract,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { openTransport } from '../transport/open.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

async function world(
  contract = testContract(),
): Promise<{ url: string; pool: import('pg').Pool; transport: import('../transport/transport.ts').Transport }> {
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  const transport = cleanup.add(await openTransport(url))
  return { url, pool, transport }
}

describe('a consumer', () => {
  test('handles every message once, each key in order, and remembers each delivery', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const running = cleanup.add(await runConsumer(url, contract, { thing: writesEffect('a') }))
    const messages = Array.from({ length: 1000 }, (_, n) => message(n, { key: `k${n % 10}` }))
    await feed(transport, messages)
    await until(
      () => effectCount(pool),
      (n) => n >= 1000,
    )
    const seen = await effects(pool)
    expect(seen).toHaveLength(1000)
    expect(inversions(seen)).toEqual([])
    expect(await rows(pool, 'select outcome, count(*)::int as n from spandrel.inbox group by 1')).toEqual([
      { outcome: 'handled', n: 1000 },
    ])
    await running.stop()
    const positions = await rows<{ owner: string | null; behind: number }>(
      pool,
      `select p.owner, (h.head - p.position)::int as behind from spandrel.partitions p
       join spandrel_stream.heads h on h.partition = p.partition
       join spandrel_stream.channels c on c.id = h.channel and 'sink:' || c.address = p.subscription`,
    )
    expect(positions).toEqual(Array.from({ length: 4 }, () => ({ owner: null, behind: 0 })))
  })
})

describe('law 8: a stop', () => {
  test('that runs out of time commits nothing of what hangs, and releases it', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const hung = await runConsumer(url, contract, {
      async thing({ id, data }, { tx }) {
        await tx.query('insert into effects (who, message, n) values ($1, $2, $3)', ['hung', id, data.n])
        if (data.n === 3) await new Promise(() => {})
      },
    })
    await feed(
      transport,
      Array.from({ length: 10 }, (_, n) => message(n, { key: `k${n}` })),
    )
    await until(
      () => hung.consumer.health().gauges['unsettled'],
      (n) => n !== undefined && n > 0,
    )
    const began = performance.now()
    await hung.stop(300)
    expect(performance.now() - began).toBeLessThan(5000)
    expect((await effects(pool)).some(({ n }) => n === 3)).toBe(false)
    expect(await rows(pool, 'select 1 from spandrel.partitions where owner is not null')).toEqual([])
    cleanup.add(await runConsumer(url, contract, { thing: writesEffect('b') }))
    await until(
      () => effectCount(pool),
      (n) => n === 10,
    )
    expect(await rows(pool, "select 1 from spandrel.journal where kind in ('attempt-failed', 'takeover')")).toEqual([])
  })

  test('lets what runs come to its end, and hands over the rest', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const slow = async (...parts: unknown[]): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      await (writesEffect('a') as (...all: unknown[]) => Promise<void>)(...parts)
    }
    const messages = Array.from({ length: 200 }, (_, n) => message(n, { key: `k${n % 8}` }))
    await feed(transport, messages)
    for (let round = 0; round < 4; round++) {
      const running = await runConsumer(url, contract, { thing: slow }, { tuning: { maxBatch: 20, window: 40 } })
      await until(
        () => running.consumer.health().gauges['unsettled'],
        (n) => n !== undefined && n > 0,
      )
      await running.stop()
    }
    cleanup.add(await runConsumer(url, contract, { thing: writesEffect('b') }))
    await until(
      () => effectCount(pool),
      (n) => n >= 200,
    )
    const seen = await effects(pool)
    expect(seen).toHaveLength(200)
    expect(inversions(seen.map((effect) => ({ ...effect, who: 'any' })))).toEqual([])
    expect(await rows(pool, 'select 1 from spandrel.journal')).toEqual([])
  })
})

describe('fairness', () => {
  test('a slow key keeps nobody else, and never has more than its connections', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    let release: (() => void) | undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const running = cleanup.add(
      await runConsumer(url, contract, {
        async thing(received, context) {
          if (received.data.n === 0) await gate
          await (writesEffect('a') as (...all: unknown[]) => Promise<void>)(received, context)
        },
      }),
    )
    await feed(transport, [message(0, { key: 'slow' }), message(1, { key: 'slow' })])
    await until(
      () => running.consumer.health().gauges['unsettled'],
      (n) => n === 2,
    )
    await feed(
      transport,
      Array.from({ length: 500 }, (_, n) => message(n + 2, { key: `k${n % 20}` })),
    )
    await until(
      () => effectCount(pool),
      (n) => n === 500,
    )
    expect(running.pool.totalCount).toBeLessThanOrEqual(5)
    release?.()
    await until(
      () => effectCount(pool),
      (n) => n === 502,
    )
    expect((await effects(pool)).filter(({ k }) => k === 'slow').map(({ n }) => n)).toEqual([0, 1])
  })
})
