import { afterEach, describe, expect, test } from 'vitest'
import type { Pool } from 'pg'
import { testDatabase } from '../../../../test/postgres.ts'
import {
  Cleanup,
  effectCount,
  effects,
  feed,
  inversions,
  message,
  migrateFor,
  quickRetry,
  quietLogger,
  rows,
  runConsumer,
  testContract,
  type TestHandlers,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { failing, held, journalOf } from '../../test/held-rows.ts'
import { pgDatabase } from '../database/pg.ts'
import { Outage, Terminal } from '../errors.ts'
import { createRelay } from '../outbox/relay.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

type Contract = ReturnType<typeof testContract>

async function world(contract: Contract): Promise<{ url: string; pool: Pool; transport: Transport }> {
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  return { url, pool, transport: cleanup.add(await openTransport(url)) }
}

describe('a message that fails', () => {
  test('is tried again as the contract says; its key waits in order, other keys do not', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const messages = Array.from({ length: 60 }, (_, n) => message(n, { key: `k${n % 6}` }))
    const failures = new Map([[messages[6]?.attributes.id ?? '', 2]])
    await feed(transport, messages)
    cleanup.add(
      await runConsumer(url, contract, { thing: failing(writesEffect('a'), failures, () => new Error('not yet')) }),
    )
    await until(
      () => effectCount(pool),
      (n) => n >= 60,
    )
    expect(inversions(await effects(pool))).toEqual([])
    await until(
      () => held(pool),
      (list) => list.length === 0,
    )
    expect(await journalOf(pool, messages[6]?.attributes.id ?? '')).toEqual([
      'attempt-failed',
      'held',
      'attempt-failed',
      'held',
    ])
  })

  test('FM20 becomes a dead letter after the last attempt and holds back its key only, in order', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const messages = Array.from({ length: 40 }, (_, n) => message(n, { key: `k${n % 4}` }))
    const poison = messages[8]?.attributes.id ?? ''
    cleanup.add(
      await runConsumer(url, contract, {
        thing: failing(writesEffect('a'), new Map([[poison, 99]]), () => new Error('never')),
      }),
    )
    await feed(transport, messages)
    const list = await until(
      () => held(pool),
      (all) => all.length === 8 && all.some(({ state }) => state === 'dead'),
    )
    expect(list[0]).toEqual({ message_id: poison, state: 'dead', reason: 'threw', attempts: 3 })
    expect(list.slice(1).every(({ state, attempts }) => state === 'waiting' && attempts === 0)).toBe(true)
    await until(
      () => effectCount(pool),
      (n) => n === 32,
    )
    expect(inversions(await effects(pool))).toEqual([])
  })

  test('FM38 its attempts are rows: another process goes on counting where one ended', async () => {
    const contract = testContract({ thing: { retry: { ...quickRetry, delayMs: 300, maxDelayMs: 300 } } })
    const { url, pool, transport } = await world(contract)
    const handler = failing(writesEffect('a'), new Map([['m', 99]]), () => new Error('never'))
    const first = cleanup.add(await runConsumer(url, contract, { thing: handler }, { name: 'first' }))
    await feed(transport, [message(1, { id: 'm', key: 'one' })])
    await until(
      () => held(pool),
      ([row]) => row?.state === 'retrying',
    )
    await first.stop()
    const tried = (await journalOf(pool, 'm')).filter((kind) => kind === 'attempt-failed').length
    expect(tried).toBeGreaterThan(0)
    expect(tried).toBeLessThan(3)
    cleanup.add(await runConsumer(url, contract, { thing: handler }, { name: 'second' }))
    expect(
      await until(
        () => held(pool),
        ([row]) => row?.state === 'dead',
      ),
    ).toMatchObject([{ message_id: 'm', attempts: 3 }])
    expect((await journalOf(pool, 'm')).filter((kind) => kind === 'attempt-failed')).toHaveLength(3)
  })

  test('FM18 what other handlers sent leaves, whatever is a dead letter here', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const echo: TestHandlers[string] = async (received, { send }) => {
      send('echoed', { n: received.data.n })
      if (received.data.n === 0) throw new Terminal('poison')
    }
    cleanup.add(await runConsumer(url, contract, { thing: echo }))
    await feed(
      transport,
      Array.from({ length: 20 }, (_, n) => message(n, { key: `k${n}` })),
    )
    await until(
      () => held(pool),
      ([row]) => row?.state === 'dead',
    )
    const relay = createRelay({ contract, database: pgDatabase(pool), transport, logger: quietLogger() })
    cleanup.add({ stop: () => relay.stop({ deadlineMs: 2000 }) })
    void relay.start()
    const echoes = await until(
      () =>
        rows<{ n: number }>(
          pool,
          "select (data::json->>'n')::int as n from spandrel_stream.log where attributes::json->>'type' = 'echoed' order by 1",
        ),
      ({ length }) => length >= 19,
    )
    expect(echoes.map(({ n }) => n)).toEqual(Array.from({ length: 19 }, (_, n) => n + 1))
  })

  test('Terminal is a dead letter at once', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const [bad, good] = [message(1, { key: 'a' }), message(2, { key: 'b' })]
    cleanup.add(
      await runConsumer(url, contract, {
        thing: failing(writesEffect('a'), new Map([[bad.attributes.id, 9]]), () => new Terminal('no such account')),
      }),
    )
    await feed(transport, [bad, good])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    const list = await until(
      () => held(pool),
      (all) => all.length === 1,
    )
    expect(list[0]).toMatchObject({ state: 'dead', reason: 'terminal', attempts: 1 })
  })

  test('that takes too long has had an attempt; others are not kept', async () => {
    const contract = testContract({ thing: { timeoutMs: 700, retry: 'none' } })
    const { url, pool, transport } = await world(contract)
    const write = writesEffect('a')
    const slow = message(0, { key: 'slow' })
    cleanup.add(
      await runConsumer(url, contract, {
        async thing(received, context) {
          if (received.id === slow.attributes.id) await new Promise(() => {})
          if (typeof write === 'function') await write(received, context)
        },
      }),
    )
    await feed(transport, [slow, ...Array.from({ length: 20 }, (_, n) => message(n + 1, { key: `k${n}` }))])
    await until(
      () => effectCount(pool),
      (n) => n === 20,
    )
    const list = await until(
      () => held(pool),
      (all) => all.some(({ state }) => state === 'dead'),
    )
    expect(list).toEqual([{ message_id: slow.attributes.id, state: 'dead', reason: 'timeout', attempts: 1 }])
  })

  test('a statement that never ends is ended by the server', async () => {
    const contract = testContract({ thing: { timeoutMs: 700, retry: 'none' } })
    const { url, pool, transport } = await world(contract)
    const write = writesEffect('a')
    cleanup.add(
      await runConsumer(url, contract, {
        async thing(received, context) {
          if (received.data.n === 0) await context.tx.query('select pg_sleep(60)')
          if (typeof write === 'function') await write(received, context)
        },
      }),
    )
    await feed(transport, [message(0, { key: 'slow' }), message(1, { key: 'a' })])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    await until(
      () => held(pool),
      (all) => all.some(({ state, reason }) => state === 'dead' && reason === 'timeout'),
    )
    const running = await until(
      () =>
        rows<{ n: number }>(
          pool,
          "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()",
        ),
      ([row]) => row?.n === 0,
    )
    expect(running).toEqual([{ n: 0 }])
  })

  test('skip: once dead it holds nothing back', async () => {
    const contract = testContract({
      thing: { deadLetter: { retentionMs: 60_000, replay: 'manual', onPoison: 'skip' } },
    })
    const { url, pool, transport } = await world(contract)
    const messages = Array.from({ length: 10 }, (_, n) => message(n, { key: 'one' }))
    const poison = messages[3]?.attributes.id ?? ''
    cleanup.add(
      await runConsumer(url, contract, {
        thing: failing(writesEffect('a'), new Map([[poison, 99]]), () => new Error('never')),
      }),
    )
    await feed(transport, messages)
    await until(
      () => effectCount(pool),
      (n) => n === 9,
    )
    expect(inversions(await effects(pool))).toEqual([])
    expect(await held(pool)).toMatchObject([{ message_id: poison, state: 'dead' }])
    // What comes later is not held back either.
    await feed(transport, [message(10, { key: 'one' })])
    await until(
      () => effectCount(pool),
      (n) => n === 10,
    )
  })

  test('hold-all: it holds back its whole partition', async () => {
    const contract = testContract(
      { thing: { deadLetter: { retentionMs: 60_000, replay: 'manual', onPoison: 'hold-all' } } },
      { partitions: 1 },
    )
    const { url, pool, transport } = await world(contract)
    const messages = Array.from({ length: 10 }, (_, n) => message(n, { key: `k${n}` }))
    const poison = messages[3]?.attributes.id ?? ''
    cleanup.add(
      await runConsumer(url, contract, {
        thing: failing(writesEffect('a'), new Map([[poison, 99]]), () => new Error('never')),
      }),
    )
    await feed(transport, messages)
    await until(
      () => held(pool),
      (all) => all.length === 7 && all[0]?.state === 'dead',
    )
    expect((await effects(pool)).map(({ n }) => n)).toEqual([0, 1, 2])
    await pool.query(
      "update spandrel.held set request = 'discard', requested_by = 'me', requested_why = 'test' where message_id = $1",
      [poison],
    )
    await until(
      () => effectCount(pool),
      (n) => n === 9,
    )
    expect((await effects(pool)).map(({ n }) => n)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9])
  })

  test('deadLetter none: given up, recorded, and out of the way', async () => {
    const contract = testContract({ thing: { deadLetter: 'none' } })
    const { url, pool, transport } = await world(contract)
    const messages = Array.from({ length: 5 }, (_, n) => message(n, { key: 'one' }))
    const poison = messages[1]?.attributes.id ?? ''
    cleanup.add(
      await runConsumer(url, contract, {
        thing: failing(writesEffect('a'), new Map([[poison, 99]]), () => new Error('never')),
      }),
    )
    await feed(transport, messages)
    await until(
      () => effectCount(pool),
      (n) => n === 4,
    )
    expect(await held(pool)).toEqual([])
    expect(await rows(pool, 'select outcome from spandrel.inbox where message_id = $1', [poison])).toEqual([
      { outcome: 'discarded' },
    ])
    expect(await journalOf(pool, poison)).toContain('discard')
    expect(inversions(await effects(pool))).toEqual([])
  })
})

describe('FM32 a message that cannot be handled at all is a dead letter at once', () => {
  test('of an unknown type, not JSON, against the contract; the rest of the batch is not kept', async () => {
    const contract = testContract({ thing: {} }, { channel: { types: ['thing', 'other'] } })
    const { url, pool, transport } = await world(contract)
    const bad = [
      message(1, { key: 'a', type: 'renamed' }),
      message(2, { key: 'b', text: '{"n":' }),
      message(3, { key: 'c', data: { n: 'three' } }),
    ]
    const ignored = message(4, { key: 'd', type: 'other' })
    await feed(transport, [...bad, ignored, ...Array.from({ length: 10 }, (_, n) => message(n + 10, { key: `k${n}` }))])
    cleanup.add(await runConsumer(url, contract, { thing: writesEffect('a') }))
    await until(
      () => effectCount(pool),
      (n) => n === 10,
    )
    const list = await until(
      () => held(pool),
      (all) => all.length === 3,
    )
    expect(
      list
        .map(({ state, reason, attempts }) => [state, reason, attempts])
        .toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
    ).toEqual([
      ['dead', 'contract-violation', 0],
      ['dead', 'undecodable', 0],
      ['dead', 'unknown-type', 0],
    ])
    expect(
      await rows(pool, 'select outcome from spandrel.inbox where message_id = $1', [ignored.attributes.id]),
    ).toEqual([{ outcome: 'ignored' }])
  })

  test('also where its attributes hold what no text column takes', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const bad = message(1, { key: 'a\u0000b', id: 'x\u0000y', correlationid: 'c\u0000', type: 'renamed' })
    await feed(transport, [bad, message(2, { key: 'k' })])
    cleanup.add(await runConsumer(url, contract, { thing: writesEffect('a') }))
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    const [dead] = await until(
      () => held(pool),
      (all) => all.length === 1,
    )
    expect(dead).toMatchObject({ state: 'dead', reason: 'unknown-type', message_id: 'x\ufffdy' })
  })
})

describe('FM28 an outage', () => {
  test('pauses the operation, counts nothing, and ends by a probe', async () => {
    const contract = testContract({ thing: {}, other: {} })
    const { url, pool, transport } = await world(contract)
    let down = true
    let tries = 0
    const write = writesEffect('a')
    const running = cleanup.add(
      await runConsumer(url, contract, {
        async thing(received, context) {
          tries++
          if (down) throw new Outage('the printer is off')
          if (typeof write === 'function') await write(received, context)
        },
        other: writesEffect('b'),
      }),
    )
    const messages = Array.from({ length: 50 }, (_, n) => message(n, { key: `k${n % 5}` }))
    await feed(transport, [...messages, message(99, { key: 'z', type: 'other' })])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    await until(
      () => tries,
      (n) => n >= 4,
    )
    expect(running.consumer.health().gauges['operationsPaused']).toBe(1)
    expect(await held(pool)).toEqual([])
    down = false
    await until(
      () => effectCount(pool),
      (n) => n === 51,
    )
    expect(inversions((await effects(pool)).filter(({ who }) => who === 'a'))).toEqual([])
    expect(await rows(pool, "select 1 from spandrel.journal where kind = 'attempt-failed'")).toEqual([])
    await until(
      () => running.consumer.health().gauges['operationsPaused'],
      (n) => n === 0,
    )
  })
})
