import type { Pool } from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  effectCount,
  effects,
  feed,
  message,
  migrateFor,
  type Payload,
  rows,
  runConsumer,
  testContract,
  type TestHandlers,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import type { KeyGuarantee } from '../contract/service-contract.ts'
import { Terminal } from '../errors.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'
import { external } from './handlers.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const byKey: KeyGuarantee = {
  key: { source: 'message.payload', pointer: ['intent'] },
  required: true,
  scope: 'caller',
  retentionMs: 3_600_000,
  onOverlap: 'wait',
  onMismatch: 'reject',
  remembers: 'final',
}

interface World {
  url: string
  pool: Pool
  transport: Transport
  contract: ReturnType<typeof testContract>
}

async function world(idempotency: KeyGuarantee = byKey, effectsOf?: 'external'): Promise<World> {
  const contract = testContract({ thing: { idempotency, ...(effectsOf === undefined ? {} : { effects: effectsOf }) } })
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  return { url, pool, transport: cleanup.add(await openTransport(url)), contract }
}

const inbox = (pool: Pool): Promise<{ message_id: string; outcome: string; by_message_id: string | null }[]> =>
  rows(pool, 'select message_id, outcome, by_message_id from spandrel.inbox order by at, message_id')

/** `act` in the style of the plain handlers: the effect is written by `handle`. */
const acting: TestHandlers[string] = external<{ id: string; data: Payload }, never, never, number>({
  act: async () => 1,
  handle: writesEffect('a') as never,
}) as unknown as TestHandlers[string]

describe.each([
  { style: 'transaction' as const, handler: writesEffect('a') },
  { style: 'external' as const, handler: acting },
])('FM16 the intent is the contract’s key, not the delivery ($style)', ({ style, handler }) => {
  const here = (idempotency?: KeyGuarantee): Promise<World> =>
    world(idempotency, style === 'external' ? 'external' : undefined)

  test('the same key and payload again is suppressed, by which is recorded', async () => {
    const { url, pool, transport, contract } = await here()
    cleanup.add(await runConsumer(url, contract, { thing: handler }))
    const data = { n: 1, intent: 'i1' }
    await feed(transport, [message(1, { id: 'first', key: 'a', data })])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    // Another delivery with the same intent, members in another order, under another ordering key.
    await feed(transport, [
      message(1, { id: 'second', key: 'b', text: '{"intent":"i1", "n":1}' }),
      message(2, { key: 'b', data: { n: 2, intent: 'i2' } }),
    ])
    await until(
      () => effectCount(pool),
      (n) => n === 2,
    )
    const second = (await inbox(pool)).find(({ message_id: id }) => id === 'second')
    expect(second).toMatchObject({ outcome: 'suppressed', by_message_id: 'first' })
    expect(await rows(pool, "select message_id from spandrel.journal where kind = 'suppressed'")).toEqual([
      { message_id: 'second' },
    ])
    expect(await rows(pool, "select state, outcome from spandrel.keys where key = 'i1'")).toEqual([
      { state: 'done', outcome: 'handled' },
    ])
  })

  test('in one batch too', async () => {
    const { url, pool, transport, contract } = await here()
    await feed(
      transport,
      Array.from({ length: 30 }, (_, n) => message(n, { key: `k${n}`, data: { n: n % 3, intent: `i${n % 3}` } })),
    )
    cleanup.add(await runConsumer(url, contract, { thing: handler }))
    await until(
      () => inbox(pool),
      ({ length }) => length === 30,
    )
    expect((await effects(pool)).map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([0, 1, 2])
    expect((await inbox(pool)).filter(({ outcome }) => outcome === 'suppressed')).toHaveLength(27)
  })

  test('the same key with another payload is a dead letter key-reuse, with its key held', async () => {
    const { url, pool, transport, contract } = await here()
    cleanup.add(await runConsumer(url, contract, { thing: handler }))
    await feed(transport, [message(1, { id: 'first', key: 'a', data: { n: 1, intent: 'i1' } })])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    await feed(transport, [message(2, { id: 'second', key: 'b', data: { n: 2, intent: 'i1' } })])
    const [row] = await until(
      () => rows(pool, 'select message_id, reason, dead_at is not null as dead from spandrel.held'),
      ({ length }) => length === 1,
    )
    expect(row).toEqual({ message_id: 'second', reason: 'key-reuse', dead: true })
    expect((await inbox(pool)).map(({ message_id: id }) => id)).toEqual(['first'])
    expect(await effectCount(pool)).toBe(1)
  })

  test('another source is another scope', async () => {
    const { url, pool, transport, contract } = await here()
    cleanup.add(await runConsumer(url, contract, { thing: handler }))
    const data = { n: 1, intent: 'i1' }
    await feed(transport, [message(1, { key: 'a', data }), message(1, { key: 'b', data, source: '/test/elsewhere' })])
    await until(
      () => effectCount(pool),
      (n) => n === 2,
    )
    expect((await inbox(pool)).every(({ outcome }) => outcome === 'handled')).toBe(true)
  })

  test('a key past its retention is forgotten, unless its ordering key has held messages', async () => {
    const { url, pool, transport, contract } = await here()
    cleanup.add(await runConsumer(url, contract, { thing: handler }))
    const data = { n: 1, intent: 'i1' }
    await feed(transport, [message(1, { key: 'a', data })])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    await pool.query("update spandrel.keys set expires_at = now() - interval '1 second'")
    await feed(transport, [message(1, { key: 'b', data })])
    await until(
      () => effectCount(pool),
      (n) => n === 2,
    )
    // Its record belongs to the key b now; a dead letter of b keeps it.
    await pool.query("update spandrel.keys set expires_at = now() - interval '1 second'")
    await feed(transport, [message(9, { key: 'b', text: 'not json' })])
    await until(
      () => rows(pool, 'select 1 from spandrel.held where dead_at is not null'),
      ({ length }) => length === 1,
    )
    await feed(transport, [message(1, { id: 'third', key: 'c', data })])
    await until(
      () => inbox(pool),
      (list) => list.some(({ message_id: id }) => id === 'third'),
    )
    expect((await inbox(pool)).find(({ message_id: id }) => id === 'third')?.outcome).toBe('suppressed')
    expect(await effectCount(pool)).toBe(2)
  })

  test('FM13 a failed attempt suppresses nothing', async () => {
    const { url, pool, transport, contract } = await here()
    let failures = 1
    const once: TestHandlers[string] =
      style === 'external'
        ? (external({
            act: async () => {
              if (failures-- > 0) throw new Error('not yet')
            },
            handle: writesEffect('a') as never,
          }) as unknown as TestHandlers[string])
        : async (received, context) => {
            if (failures-- > 0) throw new Error('not yet')
            await (writesEffect('a') as (...parts: unknown[]) => Promise<void>)(received, context)
          }
    cleanup.add(await runConsumer(url, contract, { thing: once }))
    await feed(transport, [message(1, { id: 'first', key: 'a', data: { n: 1, intent: 'i1' } })])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    expect(await inbox(pool)).toMatchObject([{ message_id: 'first', outcome: 'handled' }])
  })

  test('a required key that is missing is a dead letter; where it is optional the delivery is the intent', async () => {
    const { url, pool, transport, contract } = await here()
    cleanup.add(await runConsumer(url, contract, { thing: handler }))
    await feed(transport, [message(1, { key: 'a', data: { n: 1 } })])
    await until(
      () => rows(pool, "select 1 from spandrel.held where reason = 'key-missing'"),
      ({ length }) => length === 1,
    )
    await cleanup.run()
    const optional = await here({ ...byKey, required: false })
    cleanup.add(await runConsumer(optional.url, optional.contract, { thing: handler }))
    await feed(optional.transport, [message(1, { key: 'a', data: { n: 1 } }), message(1, { key: 'b', data: { n: 1 } })])
    expect(
      await until(
        () => effectCount(optional.pool),
        (n) => n === 2,
      ),
    ).toBe(2)
  })

  test('FM27 a delivery that comes again settles as a duplicate, whatever its key waits for', async () => {
    const { url, pool, transport, contract } = await here()
    cleanup.add(await runConsumer(url, contract, { thing: handler }))
    const first = message(1, { id: 'first', key: 'a', data: { n: 1, intent: 'i1' } })
    await feed(transport, [first])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    await feed(transport, [
      message(2, { id: 'dead', key: 'a', text: 'not json' }),
      first,
      message(3, { key: 'z', data: { n: 3, intent: 'i3' } }),
    ])
    await until(
      () => effectCount(pool),
      (n) => n === 2,
    )
    await until(
      () => rows(pool, "select 1 from spandrel.journal where kind = 'duplicate' and message_id = 'first'"),
      ({ length }) => length === 1,
    )
    expect(await rows(pool, 'select message_id from spandrel.held')).toEqual([{ message_id: 'dead' }])
  })

  test('FM15 a replay past the window of its key needs a flag', async () => {
    const { url, pool, transport, contract } = await here({ ...byKey, retentionMs: 60_000 })
    let broken = true
    const once: TestHandlers[string] =
      style === 'external'
        ? (external({
            act: async () => {
              if (broken) throw new Terminal('no')
            },
            handle: writesEffect('a') as never,
          }) as unknown as TestHandlers[string])
        : async (received, context) => {
            if (broken) throw new Terminal('no')
            await (writesEffect('a') as (...parts: unknown[]) => Promise<void>)(received, context)
          }
    cleanup.add(await runConsumer(url, contract, { thing: once }))
    await feed(transport, [message(1, { id: 'old', key: 'a', data: { n: 1, intent: 'i1' } })])
    await until(
      () => rows(pool, 'select 1 from spandrel.held where dead_at is not null'),
      ({ length }) => length === 1,
    )
    broken = false
    await pool.query(
      "update spandrel.held set held_at = held_at - interval '2 minutes', request = 'replay', requested_by = 'ada'",
    )
    const [refused] = await until(
      () => rows<{ why: string }>(pool, "select why from spandrel.journal where kind = 'request-refused'"),
      ({ length }) => length === 1,
    )
    expect(refused?.why).toMatch(/past-window/)
    await pool.query("update spandrel.held set request = 'replay', requested_by = 'ada', request_past_window = true")
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
  })
})
