import { afterEach, beforeEach, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  effectCount,
  effects,
  feed,
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

const cleanup = new Cleanup()
beforeEach(() => faults.disarm())
afterEach(() => cleanup.run())

test('FM54, law 7: what is read while a service stops does not overtake what the stop has put down', async () => {
  const contract = testContract({ thing: {} }, { partitions: 1 })
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  const transport = cleanup.add(await openTransport(url))
  const writes = writesEffect('a') as (...parts: unknown[]) => Promise<void>
  const gate = Promise.withResolvers<void>()
  let begun = 0
  const thing = (async (...parts: unknown[]) => {
    begun++
    await writes(...parts)
    await gate.promise
  }) as TestHandlers[string]
  const first = cleanup.add(await runConsumer(url, contract, { thing }, { tuning: { maxBatch: 1 } }))
  // One runs, one waits behind it, and the third is being read when the stop begins.
  const readMs = 800
  faults.arm('consumer.fetched', `delay:${readMs}`, 3)
  await feed(transport, [message(1, { key: 'k' }), message(2, { key: 'k' }), message(3, { key: 'k' })])
  await until(
    () => faults.passed('consumer.fetched') === 3 && begun === 1,
    (ready) => ready,
  )
  const readEnds = performance.now() + readMs
  // The stop waits for a renewal that is under way, and drains only then.
  const blocker = await pool.connect()
  await blocker.query('begin; lock table spandrel.leases')
  await until(
    () => rows<{ n: number }>(pool, "select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'"),
    ([row]) => row?.n === 1,
  )
  const stopped = first.stop(5000)
  gate.resolve()
  await until(
    () => performance.now(),
    (now) => now > readEnds + 100,
  )
  await blocker.query('commit')
  blocker.release()
  await stopped
  expect(await effectCount(pool)).toBeLessThan(3)
  cleanup.add(await runConsumer(url, contract, { thing: writesEffect('b') }))
  const seen = await until(
    () => effects(pool),
    ({ length }) => length >= 3,
  )
  expect(seen.map(({ n }) => n)).toEqual([1, 2, 3])
})
