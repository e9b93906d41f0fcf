/** What a service does, through each library: messages in order with retries and dead letters, idempotent operations. */
import { afterEach, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { ask } from '../../test/ask.ts'
import { bookings } from '../../test/bookings-contract.ts'
import { prepareBookings } from '../../test/bookings-service.ts'
import {
  Cleanup,
  effects,
  feed,
  inversions,
  message,
  migrateFor,
  quick,
  quietLogger,
  rows,
  testContract,
  until,
} from '../../test/consuming.ts'
import { held } from '../../test/held-rows.ts'
import { libraries } from '../../test/libraries.ts'
import { createConsumer } from '../inbox/consumer.ts'
import { createRelay } from '../outbox/relay.ts'
import { createService } from '../service/create-service.ts'
import { openTransport } from '../transport/open.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

describe.each(libraries)('%s', (_, open) => {
  test('messages: each handled once, in order, what fails is tried again, and is a dead letter in the end', async () => {
    const contract = testContract()
    const { url, pool } = await testDatabase()
    await migrateFor(pool, [contract])
    const transport = cleanup.add(await openTransport(url))
    const library = cleanup.add(await open(url))
    const messages = Array.from({ length: 40 }, (_, n) => message(n, { key: `k${n % 4}` }))
    const failing = new Map([
      [messages[5]?.attributes.id, 1],
      [messages[8]?.attributes.id, 99],
    ])
    const tries: string[] = []
    const thing = async (
      { id, data, attributes }: { id: string; data: { n: number }; attributes: { partitionkey?: string } },
      { tx, send }: { tx: unknown; send: (name: string, data: unknown) => void },
    ) => {
      tries.push(id)
      await library.run(
        tx,
        `insert into effects (who, message, k, n) values ('a', ${text(id)}, ${text(attributes.partitionkey ?? '')}, ${data.n})`,
      )
      await library
        .nested(tx, async (inner) => {
          await library.run(inner, `insert into effects (who, n) values ('undone', 0)`)
          throw new Error('only the nested transaction')
        })
        .catch(() => {})
      send('echoed', { n: data.n })
      const left = failing.get(id) ?? 0
      failing.set(id, left - 1)
      // A statement that fails, and a handler that takes no notice.
      if (left > 0) await library.run(tx, 'select 1/0').catch(() => {})
    }
    const consumer = createConsumer({
      contract,
      database: library.database,
      transport,
      handlers: { thing },
      logger: quietLogger(),
      tuning: quick,
    } as never)
    await consumer.start()
    cleanup.add({ stop: () => consumer.stop({ deadlineMs: 5000 }) })
    const relay = createRelay({
      contract: contract as never,
      database: library.database,
      transport,
      logger: quietLogger(),
    })
    await relay.start()
    cleanup.add({ stop: () => relay.stop({ deadlineMs: 5000 }) })
    await feed(transport, messages)
    // In the end the dead letter and what waits behind it.
    const behind = messages.flatMap(({ attributes: { id } }, n) => (n % 4 === 0 && n >= 8 ? [id] : []))
    const list = await until(
      () => held(pool),
      (all) => all[0]?.state === 'dead' && all.map(({ message_id: id }) => id).join() === behind.join(),
    )
    expect(list[0]).toMatchObject({ message_id: messages[8]?.attributes.id, reason: 'statement-failed', attempts: 3 })
    const done = await until(
      () => effects(pool),
      (all) => all.length === 32,
    )
    expect(done.every(({ who }) => who === 'a')).toBe(true)
    expect(inversions(done)).toEqual([])
    expect(new Set(done.map((effect) => effect.message)).size).toBe(32)
    expect(tries.filter((id) => id === messages[5]?.attributes.id)).toHaveLength(2)
    expect(tries.filter((id) => id === messages[8]?.attributes.id)).toHaveLength(3)
    await until(
      () => rows<{ n: number }>(pool, 'select count(*)::int as n from spandrel.outbox'),
      ([left]) => left?.n === 0,
    )
  })

  test('operations: one effect for a key, a replayed answer; a refusal is remembered although a statement failed', async () => {
    const { url: databaseUrl, pool } = await testDatabase()
    await prepareBookings(pool)
    const library = cleanup.add(await open(databaseUrl))
    const book = async (
      { body }: { body: { item: string; does?: string } },
      { tx }: { tx: unknown },
    ): Promise<unknown> => {
      await library.run(tx, `insert into effects (item) values (${text(body.item)})`)
      if (body.does === undefined) return { status: 201, body: { bookingId: 1, item: body.item } }
      await library.run(tx, 'select 1/0').catch(() => {})
      return body.does === 'refuse'
        ? { status: 422, body: { refused: body.item } }
        : { status: 201, body: { bookingId: 1, item: body.item } }
    }
    const service = createService(bookings(), {
      database: library.database,
      relay: false,
      logger: quietLogger(),
      handlers: { book, bookWaiting: book, bookPlain: book, getBooking: () => ({ status: 404 }) },
    } as never)
    const { url } = await service.listen({ port: 0 })
    cleanup.add(service)
    const count = async (item: string): Promise<number> =>
      (await rows(pool, `select 1 from effects where item = ${text(item)}`)).length
    const [first, second] = await Promise.all([
      ask(url, '/waiting-bookings', { item: 'a' }, { key: 'a' }),
      ask(url, '/waiting-bookings', { item: 'a' }, { key: 'a' }),
    ])
    expect([first.status, second.status, await count('a')]).toEqual([201, 201, 1])
    expect(Number(first.replayed) + Number(second.replayed)).toBe(1)
    const refused = await ask(url, '/bookings', { item: 'b', does: 'refuse' }, { key: 'b' })
    const again = await ask(url, '/bookings', { item: 'b', does: 'refuse' }, { key: 'b' })
    expect([refused.status, again.status, again.replayed, await count('b')]).toEqual([422, 422, true, 0])
    const swallowed = await ask(url, '/bookings', { item: 'c', does: 'swallow' }, { key: 'c' })
    expect([swallowed.status, await count('c')]).toEqual([500, 0])
  })
})
