/**
 * Order as mechanics.md defines *earlier*: m1 precedes m2 if m1's transaction had committed before m2's row was
 * inserted, or if one transaction sent them in that order.
 */
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { sender } from '../../test/outbox-contract.ts'
import { outboxIsEmpty, outboxRig, type OutboxRig, silent, until } from '../../test/outbox-rig.ts'
import { pgDatabase } from '../database/pg.ts'
import type { Delivery } from '../transport/transport.ts'
import { SendBuffer } from './buffer.ts'
import { createRelay, type Relay } from './relay.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function startRelay(rig: OutboxRig, batchSize: number): Relay {
  const relay = createRelay({
    contract: sender,
    database: rig.database,
    transport: rig.transport(),
    logger: silent,
    leaseMs: 500,
    pollMs: 50,
    batchSize,
  })
  closing.push(() => relay.stop({ deadlineMs: 2000 }))
  void relay.start()
  return relay
}

interface Written {
  key: string
  /** the how manyeth of its key to be committed */
  place: number
  /** how many of its key had committed before it was inserted */
  after: number
}

/** Many connections that insert and commit in every order, some after a second and a half. */
async function write(
  rig: OutboxRig,
  options: { writers: number; messages: number; keys: number },
): Promise<Map<string, Written>> {
  const pool = new pg.Pool({ connectionString: rig.service.url, max: options.writers, pipeline: true })
  closing.push(() => pool.end())
  const database = pgDatabase(pool)
  const committed = new Map<string, number>()
  const written = new Map<string, Written>()
  let next = 0
  let long = 0
  const one = async (): Promise<void> => {
    const seq = next++
    const key = `k${Math.floor(Math.random() * options.keys)}`
    const second = `k${Math.floor(Math.random() * options.keys)}`
    const buffer = new SendBuffer(sender, {})
    let mine: [string, Written][] = []
    await database.transaction(async ({ query }) => {
      mine = [key, second].map((of) => [
        buffer.send('moved', { key: of, seq }),
        { key: of, place: 0, after: committed.get(of) ?? 0 },
      ])
      await buffer.flush(query)
      // It commits out of the order of its id.
      const seconds = Math.random() < 0.002 && long < 12 ? 1.2 + Math.random() : Math.random() * 0.008
      if (seconds > 1) long++
      await query('select pg_sleep($1)', [seconds])
    })
    for (const [id, message] of mine) {
      message.place = committed.get(message.key) ?? 0
      committed.set(message.key, message.place + 1)
      written.set(id, message)
    }
  }
  await Promise.all(
    Array.from({ length: options.writers }, async () => {
      while (next < options.messages / 2) await one()
    }),
  )
  expect(long).toBeGreaterThan(0)
  return written
}

/** Pairs of one key in which an earlier message comes after a later one, after deduplication. */
function inversions(arrived: readonly Delivery[], written: ReadonlyMap<string, Written>): number {
  const positions = new Map<string, number[]>()
  const seen = new Set<string>()
  let count = 0
  const order: Written[] = []
  for (const { attributes } of arrived) {
    const message = written.get(attributes.id)
    if (message === undefined || seen.has(attributes.id)) continue
    seen.add(attributes.id)
    const places = positions.get(message.key) ?? []
    places[message.place] = order.length
    positions.set(message.key, places)
    order.push(message)
  }
  // The newest position among the first n committed of a key.
  const newest = new Map<string, number[]>()
  for (const [key, places] of positions) {
    let highest = -1
    newest.set(
      key,
      places.map((place) => (highest = Math.max(highest, place))),
    )
  }
  for (const [at, { key, after }] of order.entries()) {
    const before = after === 0 ? undefined : newest.get(key)?.[after - 1]
    if (before !== undefined && before > at) count++
  }
  return count
}

describe('law 7 FM01 FM35: no inversions', () => {
  test(
    '40 writers that commit out of the order of their ids, 15,000 messages, two relays',
    { timeout: 180_000 },
    async () => {
      const rig = await outboxRig()
      const first = startRelay(rig, 100)
      await until(() => first.health().gauges['holdsLease'] === 1)
      const second = startRelay(rig, 100)
      const writing = write(rig, { writers: 40, messages: 15_000, keys: 200 })
      const sum = (name: string): number =>
        [first, second].reduce((total, relay) => total + (relay.health().gauges[name] ?? 0), 0)
      await until(() => sum('sent') > 6000, 60_000)
      // The one that works hands over in the middle.
      await until(() => sum('holdsLease') > 0)
      const [holder] = [first, second].filter((relay) => relay.health().gauges['holdsLease'] === 1)
      await holder?.stop({ deadlineMs: 0 })
      const written = await writing
      await until(() => outboxIsEmpty(rig.database.query), 60_000, 'an empty outbox')
      const arrived = await rig.arrived()
      expect(new Set(arrived.map(({ attributes }) => attributes.id))).toEqual(new Set(written.keys()))
      expect(inversions(arrived, written)).toBe(0)
      // The paths that keep order were taken: the mark moved, and went back when a long transaction ended.
      expect(sum('rescans'), 'the mark went back').toBeGreaterThan(0)
      for (const relay of [first, second]) expect(relay.health().gauges['sent'], 'both worked').toBeGreaterThan(0)
    },
  )

  test('FM02: one transaction left open beside the load: it holds nothing back, and its own message goes when it commits', async () => {
    const rig = await outboxRig()
    const relay = startRelay(rig, 500)
    const client = await rig.service.pool.connect()
    await client.query(`begin; select spandrel.publish('moves', 'test.moved', '{"key": "a", "seq": 0}', 'a')`)
    const rounds = 20
    for (let round = 0; round < rounds; round++) {
      await rig.send(
        'moved',
        ...Array.from({ length: 500 }, (_, seq) => ({ key: `k${seq % 20}`, seq: round * 500 + seq })),
      )
      relay.ring()
      if (round === 10) await until(() => (relay.health().gauges['sent'] ?? 0) >= 5000)
    }
    await until(() => (relay.health().gauges['sent'] ?? 0) === rounds * 500)
    // The relay may pass the transaction over only once it has been open for a second.
    await until(async () => {
      await rig.send('moved', { key: 'k0', seq: 1e6 })
      relay.ring()
      return (relay.health().gauges['lowWaterMark'] ?? 0) > rounds * 500
    })
    const before = relay.health().gauges['rescans'] ?? 0
    await client.query('commit')
    client.release()
    relay.ring()
    await until(() => outboxIsEmpty(rig.database.query))
    expect(relay.health().gauges['rescans']).toBeGreaterThan(before)
    expect((await rig.arrived()).filter(({ attributes }) => attributes.partitionkey === 'a')).toHaveLength(1)
  })
})
