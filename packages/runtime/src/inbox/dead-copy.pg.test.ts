/** `deadLetter.channel`: each dead letter is also on that channel, once, whatever else goes wrong. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Pool } from 'pg'
import { testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  feed,
  message,
  migrateFor,
  quick,
  quietLogger,
  rows,
  runConsumer,
  testContract,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { failing } from '../../test/held-rows.ts'
import type { ServiceContract } from '../contract/service-contract.ts'
import { pgDatabase } from '../database/pg.ts'
import { faults } from '../faults/test-build.ts'
import { createRelay } from '../outbox/relay.ts'
import { createPush } from '../push/push.ts'
import { openTransport } from '../transport/open.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())
afterEach(() => faults.disarm())

const contract = testContract({
  thing: { deadLetter: { channel: 'things.dead', retentionMs: 60_000, replay: 'manual', onPoison: 'hold-key' } },
})

async function world() {
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  return { url, pool, transport: cleanup.add(await openTransport(url)) }
}

interface Copy {
  attributes: Record<string, string>
  data: string
}

const copies = async (pool: Pool): Promise<Copy[]> =>
  (
    await rows<{ attributes: string; data: string }>(
      pool,
      `select l.attributes, l.data from spandrel_stream.log l join spandrel_stream.channels c on c.id = l.channel
       where c.address = 'things.dead' order by l.partition, l."offset"`,
    )
  ).map(({ attributes, data }) => ({ attributes: JSON.parse(attributes) as Record<string, string>, data }))

const dead = (pool: Pool): Promise<{ id: string }[]> =>
  rows(pool, 'select message_id as id from spandrel.held where dead_at is not null')

function relayOf(pool: Pool, transport: Awaited<ReturnType<typeof openTransport>>): Promise<void> {
  const relay = createRelay({ contract, database: pgDatabase(pool), transport, logger: quietLogger(), pollMs: 20 })
  cleanup.add({ stop: () => relay.stop({ deadlineMs: 2000 }) })
  return relay.start()
}

test('every dead letter is on its channel once, with its id, its content and why, also where its transaction was redone', async () => {
  const { url, pool, transport } = await world()
  const messages = Array.from({ length: 60 }, (_, n) => message(n, { key: `k${n}` }))
  const poison = messages.filter((_, n) => n % 6 === 0)
  await relayOf(pool, transport)
  const failures = new Map(poison.map(({ attributes }) => [attributes.id, 99]))
  const handler = failing(writesEffect('a'), failures, () => new Error('nobody\ncarries that'))
  faults.arm('consumer.handled', 'throw', 4)
  cleanup.add(await runConsumer(url, contract, { thing: handler }))
  await feed(transport, messages)
  await until(
    () => copies(pool),
    (list) => list.length >= poison.length,
  )
  expect(faults.passed('consumer.handled'), 'the fault fired').toBeGreaterThanOrEqual(4)
  await until(
    () => rows<{ n: number }>(pool, 'select count(*)::int as n from spandrel.outbox'),
    ([row]) => row?.n === 0,
  )
  const found = await copies(pool)
  expect(new Set(found.map(({ attributes }) => attributes['id']))).toEqual(
    new Set((await dead(pool)).map(({ id }) => id)),
  )
  expect(found).toHaveLength(poison.length)
  const [first] = poison
  const copy = found.find(({ attributes }) => attributes['id'] === first?.attributes.id)
  expect(copy?.data).toBe(first?.data)
  expect(copy?.attributes).toEqual({
    ...first?.attributes,
    consumer: 'sink.thing',
    reason: 'threw',
    attempts: '3',
    error: 'nobody carries that',
  })
})

test('replayed and dead again, it is copied again with the same id', async () => {
  const { url, pool, transport } = await world()
  await relayOf(pool, transport)
  const poison = message(1, { key: 'k' })
  const handler = failing(writesEffect('a'), new Map([[poison.attributes.id, 99]]), () => new Error('never'))
  cleanup.add(await runConsumer(url, contract, { thing: handler }))
  await feed(transport, [poison])
  await until(
    () => copies(pool),
    ({ length }) => length === 1,
  )
  await pool.query(
    "update spandrel.held set request = 'replay', requested_by = 'ann', requested_at = clock_timestamp()",
  )
  const both = await until(
    () => copies(pool),
    ({ length }) => length === 2,
  )
  expect(both.map(({ attributes }) => attributes['id'])).toEqual([poison.attributes.id, poison.attributes.id])
})

test('of a service that messages are pushed to and that sends none, too', async () => {
  const { pool, transport, url } = await world()
  const server = createServer((_, response) => response.writeHead(400).end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.add({
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
  const push = createPush({
    contract: { ...contract, sends: {} } as unknown as ServiceContract,
    database: pgDatabase(pool),
    transport: cleanup.add(await openTransport(url)),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    logger: quietLogger(),
    tuning: quick,
  })
  await push.start()
  cleanup.add({ stop: () => push.stop({ deadlineMs: 2000 }) })
  const poison = message(1, { key: 'k' })
  await feed(transport, [poison])
  const [copy] = await until(
    () => copies(pool),
    ({ length }) => length === 1,
  )
  expect(copy?.attributes).toMatchObject({ id: poison.attributes.id, consumer: 'sink.thing' })
  expect(copy?.attributes['reason']).toBeTruthy()
})
