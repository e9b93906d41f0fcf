import { faults } from '#faults'
import { afterEach, describe, expect, test } from 'vitest'
import { type Moved, sender } from '../../test/outbox-contract.ts'
import { outboxIsEmpty, outboxRig, type OutboxRig, silent, until } from '../../test/outbox-rig.ts'
import { migrateStream } from '../schema/migrate.ts'
import { registrationOf } from '../schema/registration.ts'
import type { Transport } from '../transport/transport.ts'
import { createRelay, type Relay, type RelayOptions } from './relay.ts'
import { expireSent } from './relay-write.ts'

const relays: Relay[] = []

function startRelay(rig: OutboxRig, options: Partial<RelayOptions> = {}): Relay {
  const relay = createRelay({
    contract: sender,
    database: rig.database,
    transport: options.transport ?? rig.transport(),
    logger: silent,
    ...options,
  })
  relays.push(relay)
  void relay.start()
  return relay
}

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.stop({ deadlineMs: 2000 })
})

const emptied = (rig: OutboxRig): Promise<void> =>
  until(() => outboxIsEmpty(rig.database.query), 15_000, 'an empty outbox')
const seqs = (deliveries: readonly { data: string }[]): number[] =>
  deliveries.map(({ data }) => (JSON.parse(data) as Moved).seq)

describe('the relay', () => {
  test('sends what was committed, in order, and keeps a log without payloads', async () => {
    const rig = await outboxRig()
    const ids = await rig.send('moved', ...Array.from({ length: 1200 }, (_, seq) => ({ key: 'k', seq })))
    startRelay(rig)
    await emptied(rig)
    const arrived = await rig.arrived()
    expect(seqs(arrived)).toEqual(Array.from({ length: 1200 }, (_, seq) => seq))
    expect(arrived.map(({ attributes }) => attributes.id)).toEqual(ids)
    const sent = await rig.rows<{ message_id: string; data: null; correlationid: string }>(
      'select message_id, data, correlationid from spandrel.sent order by id',
    )
    expect(sent).toEqual(
      arrived.map(({ attributes }) => ({
        message_id: attributes.id,
        data: null,
        correlationid: attributes.correlationid,
      })),
    )
  })

  test('law 1: a rolled-back send never goes', async () => {
    const rig = await outboxRig()
    startRelay(rig, { pollMs: 20 })
    const client = await rig.service.pool.connect()
    await client.query(`begin; select spandrel.publish('notes', 'test.noted', '{"text": "no"}'); rollback`)
    client.release()
    await rig.send('noted', { text: 'yes' })
    await emptied(rig)
    expect((await rig.arrived('notes')).map(({ data }) => data)).toEqual(['{"text":"yes"}'])
  })

  test('FM31 the ring is heard at once, here and from another process; without it the poll finds everything', async () => {
    const rig = await outboxRig()
    const [first, second] = [startRelay(rig, { pollMs: 60_000 }), startRelay(rig, { pollMs: 60_000 })]
    await until(() => [first, second].some((relay) => relay.health().gauges['holdsLease'] === 1))
    for (const relay of [first, second]) {
      await rig.send('noted', { text: 'ring' })
      relay.ring()
      await emptied(rig)
    }
    for (const relay of relays.splice(0)) await relay.stop({ deadlineMs: 2000 })
    startRelay(rig, { pollMs: 50, database: { ...rig.database, listen: undefined, notifier: undefined } as never })
    await until(() => relays[0]?.health().lastSuccess !== null)
    await rig.send('noted', { text: 'polled' })
    await emptied(rig)
    expect(await rig.arrived('notes')).toHaveLength(3)
  })

  test('FM03 another takes over when the holder is gone, and not before', async () => {
    const rig = await outboxRig()
    const first = startRelay(rig, { leaseMs: 400, pollMs: 30 })
    await until(() => first.health().gauges['holdsLease'] === 1)
    const second = startRelay(rig, { leaseMs: 400, pollMs: 30 })
    await until(() => second.health().lastSuccess !== null)
    expect(second.health().gauges['holdsLease']).toBe(0)
    await first.stop({ deadlineMs: 1000 })
    await until(() => second.health().gauges['holdsLease'] === 1)
    const leases = await rig.rows<{ epoch: string }>("select epoch from spandrel.leases where name = 'relay'")
    expect(leases).toEqual([{ epoch: '2' }])
  })

  test('FM19 nothing is published inside a transaction', async () => {
    const rig = await outboxRig()
    const transport = rig.transport()
    const open: string[] = []
    const watching: Transport = {
      ...transport,
      features: transport.features,
      name: transport.name,
      subscription: (...args) => transport.subscription(...args),
      close: () => transport.close(),
      publish: async (messages) => {
        const rows = await rig.rows<{ query: string }>(
          "select query from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
        )
        open.push(...rows.map(({ query }) => query))
        return transport.publish(messages)
      },
    }
    await rig.send('noted', { text: 'a' }, { text: 'b' })
    startRelay(rig, { transport: watching })
    await emptied(rig)
    expect(open).toEqual([])
  })
})

describe('what can never be sent', () => {
  test('FM12 becomes a held message, its key waits, the others go; a replay sends it, then its key', async () => {
    const rig = await outboxRig()
    const { channels } = registrationOf(sender)
    await migrateStream(rig.stream.pool, {
      channels: channels.map((channel) => ({ ...channel, maxBytes: 2000 })),
      subscriptions: [],
    })
    const big = 'x'.repeat(3000)
    await rig.send(
      'moved',
      { key: 'a', seq: 1 },
      { key: 'b', seq: 1 },
      { key: 'a', seq: 2, big },
      { key: 'a', seq: 3 },
      { key: 'b', seq: 2 },
    )
    const relay = startRelay(rig, { pollMs: 30 })
    await until(async () => (await rig.arrived()).length === 3)
    await rig.send('moved', { key: 'a', seq: 4 }, { key: 'c', seq: 1 })
    relay.ring()
    await until(async () => (await rig.arrived()).length === 4)
    const of = async (key: string): Promise<number[]> =>
      seqs((await rig.arrived()).filter(({ attributes }) => attributes.partitionkey === key))
    expect([await of('a'), await of('b'), await of('c')]).toEqual([[1], [1, 2], [1]])
    const [held] = await rig.rows<Record<string, unknown>>(
      'select id, side, channel, partitionkey, reason, error, state from spandrel.held_messages',
    )
    expect(held).toMatchObject({
      side: 'producer',
      channel: 'moves',
      partitionkey: 'a',
      reason: 'refused',
      state: 'dead',
    })
    expect(held?.['error']).toMatch(/bytes/)
    const journal = (): Promise<unknown[]> => rig.rows('select kind, actor, why from spandrel.journal order by id')
    expect(await journal()).toMatchObject([{ kind: 'dead', actor: 'relay' }])

    // A replay that is refused again stays; one that is taken frees the key.
    const ask = `update spandrel.held set request = 'replay', requested_by = 'ada', requested_why = 'limit raised', requested_at = now()`
    await rig.rows(ask)
    await until(async () => (await journal()).length === 2)
    expect(await of('a')).toEqual([1])
    await migrateStream(rig.stream.pool, {
      channels: channels.map((channel) => ({ ...channel, maxBytes: 10_000 })),
      subscriptions: [],
    })
    await relay.stop({ deadlineMs: 1000 })
    startRelay(rig, { pollMs: 30 })
    await rig.rows(ask)
    await emptied(rig)
    expect(await of('a')).toEqual([1, 2, 3, 4])
    expect(await journal()).toMatchObject([
      { kind: 'dead' },
      { kind: 'request-refused', actor: 'ada' },
      { kind: 'replay', actor: 'ada', why: 'limit raised' },
    ])
    expect(await rig.rows('select 1 from spandrel.held')).toEqual([])
  })

  test('a violation by spandrel.publish is held at the producer; a discard frees its key', async () => {
    const rig = await outboxRig()
    const publish = (type: string, data: unknown, key: string): Promise<unknown> =>
      rig.rows('select spandrel.publish($1, $2, $3, $4)', ['moves', type, JSON.stringify(data), key])
    await publish('test.moved', { key: 'a', seq: 1 }, 'a')
    await publish('test.moved', { key: 'a', seq: 'two' }, 'a')
    await publish('test.moved', { key: 'a', seq: 3 }, 'a')
    await publish('test.moved', { key: 'b', seq: 1 }, 'not b')
    await publish('test.unknown', {}, 'c')
    await publish('test.moved', { key: 'd', seq: 1 }, 'd')
    startRelay(rig, { pollMs: 30 })
    await until(async () => (await rig.arrived()).length === 2)
    // They are held right behind the publish, not before it.
    await until(async () => (await rig.rows('select 1 from spandrel.held')).length === 3)
    const held = await rig.rows<{ partitionkey: string; error: string }>(
      'select partitionkey, error from spandrel.held order by id',
    )
    expect(held.map(({ partitionkey }) => partitionkey)).toEqual(['a', 'not b', 'c'])
    expect(held.map(({ error }) => error).join()).toMatch(
      /must have key and seq.*its key must be b.*sends no message of type test\.unknown/,
    )
    await rig.rows(
      `update spandrel.held set request = 'discard', requested_by = 'ada', requested_why = 'a typo' where partitionkey = 'a'`,
    )
    await until(async () => (await rig.arrived()).length === 3)
    expect(seqs((await rig.arrived()).filter(({ attributes }) => attributes.partitionkey === 'a'))).toEqual([1, 3])
    expect(await rig.rows("select actor, why from spandrel.journal where kind = 'discard'")).toEqual([
      { actor: 'ada', why: 'a typo' },
    ])
  })

  test('a held message that somebody deletes by hand frees its key too, in order', async () => {
    const rig = await outboxRig()
    await rig.rows(`select spandrel.publish('moves', 'test.wrong', '{}', 'a')`)
    await rig.send('moved', { key: 'a', seq: 1 }, { key: 'b', seq: 1 })
    const relay = startRelay(rig, { pollMs: 30 })
    await until(async () => (await rig.arrived()).length === 1)
    // The mark moves past the waiting row.
    for (let seq = 2; seq < 12; seq++) {
      await rig.send('moved', { key: 'b', seq })
      relay.ring()
      await until(async () => (await rig.arrived()).length === seq)
    }
    await rig.send('moved', { key: 'a', seq: 2 })
    await rig.rows('delete from spandrel.held')
    await emptied(rig)
    expect(seqs((await rig.arrived()).filter(({ attributes }) => attributes.partitionkey === 'a'))).toEqual([1, 2])
  })

  test('FM29 a transport that fails in an unknown way is asked one by one, and nothing counts as sent unconfirmed', async () => {
    const rig = await outboxRig()
    const transport = rig.transport()
    const strange: Transport = Object.assign(Object.create(transport) as Transport, {
      publish: (messages: Parameters<Transport['publish']>[0]) => {
        if (messages.some(({ data }) => data.includes('stumble'))) return Promise.reject(new Error('what is this?'))
        return transport.publish(messages)
      },
    })
    await rig.send('noted', { text: 'a' }, { text: 'stumble' }, { text: 'b' })
    startRelay(rig, { transport: strange, pollMs: 30 })
    await emptied(rig)
    expect((await rig.arrived('notes')).map(({ data }) => data).toSorted()).toEqual(['{"text":"a"}', '{"text":"b"}'])
    expect(await rig.rows('select error from spandrel.held')).toEqual([{ error: 'what is this?' }])
  })
})

describe('what cannot be sent for now', () => {
  test('FM11 a full channel does not hold up the others, and goes on when there is room', async () => {
    const rig = await outboxRig({ maxMessages: 40 })
    const relay = startRelay(rig, { pollMs: 30, transport: rig.transport({ keep: 0, trimMs: 50 }) })
    const counted = (from: number): Promise<unknown> =>
      rig.send('counted', ...Array.from({ length: 50 }, (_, n) => ({ n: from + n })))
    await counted(0)
    await until(async () => (await rig.arrived('counts')).length === 50)
    await counted(50)
    await until(
      async () =>
        (await rig.rows('select 1 from spandrel.outbox')).length > 0 && relay.health().gauges['backingOff'] === 1,
    )
    for (let round = 0; round < 5; round++) {
      await rig.send('noted', { text: `${round}` })
      relay.ring()
      await until(async () => (await rig.arrived('notes')).length === round + 1)
    }
    // The reader settles what it has: room, until everything went.
    const reader = await rig.transport().subscription('reader:counts', 'counts')
    let position = 0
    const read: number[] = []
    await until(async () => {
      for (const { data, offset } of await reader.read(new Map([[0, position]]), { limit: 1000, maxBytes: 1e7 })) {
        read.push((JSON.parse(data) as { n: number }).n)
        position = offset
      }
      await reader.settle(new Map([[0, position]]))
      return read.length >= 100
    })
    expect(read).toEqual(Array.from({ length: 100 }, (_, n) => n))
  })

  test('a transport that is away: rows wait, and go in order when it is back', async () => {
    const rig = await outboxRig()
    await rig.stream.pool.query('alter schema spandrel_stream rename to away')
    const relay = startRelay(rig, { pollMs: 30 })
    await rig.send('moved', { key: 'k', seq: 1 })
    await rig.send('moved', { key: 'k', seq: 2 })
    await until(() => relay.health().lastError !== null)
    expect(await rig.rows('select 1 from spandrel.held')).toEqual([])
    await rig.stream.pool.query('alter schema away rename to spandrel_stream')
    await emptied(rig)
    expect(seqs(await rig.arrived())).toEqual([1, 2])
  })
})

describe('health and retention', () => {
  test('FM02 FM03 FM07 tell the age of the oldest unsent row and who keeps a transaction open', async () => {
    const rig = await outboxRig()
    await rig.send('noted', { text: 'a' })
    await rig.rows(
      `update spandrel.outbox set attributes = jsonb_set(attributes::jsonb, '{time}', '"2020-01-01T00:00:00Z"')::text`,
    )
    const client = await rig.service.pool.connect()
    await client.query('begin')
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await rig.stream.pool.query('alter schema spandrel_stream rename to away')
    const relay = startRelay(rig)
    await until(() => relay.health().gauges['unsent'] === 1)
    const { gauges } = relay.health()
    expect(gauges['oldestUnsentSeconds']).toBeGreaterThan(86_400)
    expect(gauges['oldestTransactionPid']).toBe(rows[0]?.pid)
    await client.query('rollback')
    client.release()
  })

  test('FM06 the log of what was sent expires in batches, oldest first', async () => {
    const rig = await outboxRig()
    await rig.send('noted', ...Array.from({ length: 30 }, (_, n) => ({ text: `${n}` })))
    startRelay(rig)
    await emptied(rig)
    await rig.rows(
      "update spandrel.sent set sent_at = now() - interval '2 days' where id <= (select min(id) + 19 from spandrel.sent)",
    )
    const day = { retentionMs: 86_400_000 }
    expect(await expireSent(rig.database.query, { ...day, limit: 15 })).toBe(15)
    expect(await expireSent(rig.database.query, { ...day, limit: 15 })).toBe(5)
    expect(await expireSent(rig.database.query, { ...day, limit: 15 })).toBe(0)
    expect(await rig.rows('select 1 from spandrel.sent')).toHaveLength(10)
  })

  test('FM36 a fault in a round is logged and tried again, and a graceful stop sends the rest', async () => {
    const rig = await outboxRig()
    ;(faults as unknown as { arm(name: string, action: string, nth?: number): void }).arm('relay.published', 'throw', 1)
    await rig.send('moved', { key: 'k', seq: 1 })
    const relay = startRelay(rig, { pollMs: 60_000 })
    await until(() => relay.health().lastError !== null)
    expect(relay.health().lastError?.message).toBe('fault relay.published')
    await emptied(rig)
    await rig.send('moved', { key: 'k', seq: 2 })
    await relay.stop({ deadlineMs: 5000 })
    expect(seqs(await rig.arrived())).toEqual([1, 1, 2])
    expect(await outboxIsEmpty(rig.database.query)).toBe(true)
  })
})
