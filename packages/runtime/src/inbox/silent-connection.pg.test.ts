import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  effectCount,
  effects,
  feed,
  inversions,
  message,
  migrateFor,
  quick,
  quietLogger,
  testContract,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { cuttingProxy } from '../../test/cutting-proxy.ts'
import { pgDatabase } from '../database/pg.ts'
import { openTransport } from '../transport/open.ts'
import { postgresTransport } from '../transport/postgres/postgres-transport.ts'
import { createConsumer } from './consumer.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

test('FM26: connections that have gone silent, and that nobody closes, are given up; work goes on', async () => {
  const contract = testContract({ thing: { timeoutMs: 500 } })
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  const feeder = cleanup.add(await openTransport(url))
  const proxy = cleanup.add(await cuttingProxy(url))
  const throughProxy = (max: number): pg.Pool => {
    const made = new pg.Pool({ connectionString: proxy.url, max, pipeline: true, connectionTimeoutMillis: 2000 })
    // What is silent does not answer a goodbye either: the proxy ends it.
    cleanup.add({ close: () => Promise.race([made.end(), proxy.close()]) })
    return made
  }
  const answerMs = 1000
  const consumer = createConsumer({
    contract,
    database: pgDatabase(throughProxy(6), { answerMs }),
    transport: postgresTransport(pgDatabase(throughProxy(4), { answerMs })),
    handlers: { thing: writesEffect('a') },
    logger: quietLogger(),
    tuning: quick,
  })
  cleanup.add({ stop: () => consumer.stop({ deadlineMs: 3000 }) })
  await consumer.start()
  let n = 0
  const feedMore = async (): Promise<void> => {
    for (let batch = 0; batch < 10; batch++)
      await feed(
        feeder,
        Array.from({ length: 20 }, () => message(n, { key: `k${n++ % 10}` })),
      )
  }
  await feedMore()
  await until(
    () => effectCount(pool),
    (count) => count > 0,
  )
  expect(proxy.silence()).toBeGreaterThan(2)
  await feedMore()
  const seen = await until(
    () => effects(pool),
    ({ length }) => length >= n,
    25_000,
  )
  expect(seen).toHaveLength(n)
  expect(inversions(seen)).toEqual([])
})

test('FM56: a connection that is accepted, and never answered, is not waited for', async () => {
  const contract = testContract()
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  const feeder = cleanup.add(await openTransport(url))
  const proxy = cleanup.add(await cuttingProxy(url))
  // No limit of its own, as pools are by default.
  const made = new pg.Pool({ connectionString: proxy.url, max: 6, pipeline: true })
  cleanup.add({ close: () => Promise.race([made.end(), proxy.close()]) })
  const hushed = proxy.hush(2)
  const consumer = createConsumer({
    contract,
    database: pgDatabase(made, { answerMs: 500 }),
    transport: feeder,
    handlers: { thing: writesEffect('a') },
    logger: quietLogger(),
    tuning: quick,
  })
  cleanup.add({ stop: () => consumer.stop({ deadlineMs: 3000 }) })
  await consumer.start()
  await feed(
    feeder,
    Array.from({ length: 20 }, (_, n) => message(n, { key: `k${n}` })),
  )
  await until(
    () => effectCount(pool),
    (count) => count === 20,
  )
  expect(hushed.left).toBe(0)
})
