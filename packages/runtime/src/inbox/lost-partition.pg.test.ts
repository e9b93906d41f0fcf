import type pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  effects,
  feed,
  inversions,
  message,
  migrateFor,
  rows,
  runConsumer,
  testContract,
  type TestHandlers,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { faults } from '../faults/test-build.ts'
import { openTransport } from '../transport/open.ts'
import { external } from './handlers.ts'

const cleanup = new Cleanup()
beforeEach(() => faults.disarm())
afterEach(() => cleanup.run())

/** Whoever is asleep for longer than its lease finds the row like this. */
async function steal(pool: pg.Pool, partition: number): Promise<void> {
  const { rowCount } = await pool.query(
    `update spandrel.partitions set owner = 'thief', backend = pg_backend_pid(), epoch = epoch + 1, until = clock_timestamp() + interval '1 hour'
     where partition = $1 and owner is not null`,
    [partition],
  )
  expect(rowCount).toBe(1)
}

/** Renewals come too late to notice anything: the fence does. */
const unaware = { leaseMs: 120_000, renewMs: 60_000 }

describe('FM09, FM52, law 1: a partition that is lost costs nothing but its own messages', () => {
  for (const [style, handler] of Object.entries({
    plain: writesEffect('a'),
    external: external({ act: async () => {}, handle: writesEffect('a') as never }) as unknown as TestHandlers[string],
  })) {
    test(`those of other partitions in the same batch are handled, in order (${style})`, async () => {
      const contract = testContract({ thing: style === 'plain' ? {} : { effects: 'external' } }, { partitions: 2 })
      const { url, pool } = await testDatabase()
      await migrateFor(pool, [contract])
      const transport = cleanup.add(await openTransport(url))
      const { consumer } = cleanup.add(await runConsumer(url, contract, { thing: handler }, { tuning: unaware }))
      await steal(pool, 0)
      // One read brings them all, so one batch has them all.
      await feed(
        transport,
        Array.from({ length: 60 }, (_, n) => message(n, { key: `k${n % 6}` })),
      )
      const places = await rows<{ partition: number; n: number }>(
        pool,
        'select partition, count(*)::int as n from spandrel_stream.log group by 1 order by 1',
      )
      expect(places.map(({ partition }) => partition)).toEqual([0, 1])
      const kept = places[1]?.n ?? 0
      const seen = await until(
        () => effects(pool),
        ({ length }) => length >= kept,
      )
      expect(seen).toHaveLength(kept)
      expect(inversions(seen)).toEqual([])
      // Neither settled nor handed back: nothing may stay so.
      await until(
        () => consumer.health().gauges['unsettled'],
        (n) => n === 0,
      )
    })
  }
})

describe('FM53, law 1: an act whose partition was lost while it was being claimed', () => {
  test('does not begin, and its lease runs out for whoever comes next', async () => {
    const contract = testContract({ thing: { effects: 'external' } }, { partitions: 1 })
    const { url, pool } = await testDatabase()
    await migrateFor(pool, [contract])
    const transport = cleanup.add(await openTransport(url))
    let acts = 0
    const act = async (): Promise<void> => {
      acts++
    }
    const thing = external({ act, handle: writesEffect('a') as never }) as unknown as TestHandlers[string]
    const { consumer } = cleanup.add(
      await runConsumer(url, contract, { thing }, { tuning: { leaseMs: 2000, renewMs: 100 } }),
    )
    // Its claim is committed, and its process hears of that late.
    faults.arm('consumer.committed', 'delay:1000')
    await feed(transport, [message(1, { key: 'k' })])
    await until(
      () => faults.passed('consumer.committed'),
      (passed) => passed === 1,
    )
    await steal(pool, 0)
    await until(
      () => consumer.health().gauges['partitionsOwned'],
      (owned) => owned === 0,
    )
    const claims = (): Promise<{ over: boolean }[]> =>
      rows(pool, "select lease_until < clock_timestamp() as over from spandrel.keys where state = 'claimed'")
    expect(await claims()).toEqual([{ over: false }])
    await until(claims, ([claim]) => claim?.over === true)
    expect(acts).toBe(0)
  })
})
