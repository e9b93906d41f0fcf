import { afterEach, expect, test } from 'vitest'
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
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { openTransport } from '../transport/open.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

/**
 * The last owner died with one message of partition 1 marked: that one is tried with the process for itself. Partition 0
 * is ahead of it in every choice, and the other subscription takes whatever slot is free.
 */
test('FM57: a lane that gives the process back begins nothing in a slot that somebody else has taken meanwhile', async () => {
  const contract = testContract({ thing: {}, other: { channel: 'others' } }, { partitions: 2 })
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  const transport = cleanup.add(await openTransport(url))
  const messages = Array.from({ length: 40 }, (_, n) => message(n, { key: `k${n % 8}` }))
  await feed(transport, messages)
  await feed(
    transport,
    Array.from({ length: 80 }, (_, n) => message(n, { key: `o${n % 20}`, type: 'other', channel: 'others' })),
  )
  const places = await rows<{ partition: number }>(
    pool,
    'select distinct partition from spandrel_stream.log order by 1',
  )
  expect(places.map(({ partition }) => partition)).toEqual([0, 1])
  await pool.query(`
    update spandrel.partitions set owner = 'dead', epoch = 1, until = now() - interval '1 minute',
      marked_offset = case when partition = 1 then 1 end`)
  // Two slots for both subscriptions, and small batches: whoever waits for a slot finds the other one ahead of it.
  const handlers = { thing: writesEffect('thing'), other: writesEffect('other') }
  const { consumer } = cleanup.add(
    await runConsumer(url, contract, handlers, { tuning: { connections: 4, maxBatch: 5 } }),
  )
  const seen = await until(
    () => effects(pool),
    ({ length }) => length >= 120,
  )
  expect(seen).toHaveLength(120)
  expect(inversions(seen)).toEqual([])
  await until(
    () => consumer.health().gauges['unsettled'],
    (n) => n === 0,
  )
})
