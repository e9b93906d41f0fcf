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
  rows,
  runConsumer,
  testContract,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { failing, held, journalOf } from '../../test/held-rows.ts'
import { migrateStream } from '../schema/migrate.ts'
import { registrationOf } from '../schema/registration.ts'
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

describe('what an operator asks', () => {
  async function poisoned(
    count = 6,
  ): Promise<{ pool: Pool; url: string; transport: Transport; ids: string[]; heal: () => void; contract: Contract }> {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const messages = Array.from({ length: count }, (_, n) => message(n, { key: 'one' }))
    const ids = messages.map(({ attributes }) => attributes.id)
    const failures = new Map([[ids[1] ?? '', 99]])
    cleanup.add(
      await runConsumer(url, contract, { thing: failing(writesEffect('a'), failures, () => new Error('never')) }),
    )
    await feed(transport, messages)
    await until(
      () => held(pool),
      (all) => all.length === count - 1 && all[0]?.state === 'dead',
    )
    return { pool, url, transport, ids, contract, heal: () => failures.clear() }
  }

  const ask = (pool: Pool, id: string | undefined, request: string): Promise<unknown> =>
    pool.query(
      'update spandrel.held set request = $2, requested_by = $3, requested_why = $4, requested_at = now() where message_id = $1',
      [id, request, 'ada', 'it was me'],
    )

  test('a replay puts the dead letter back; what waited follows in order', async () => {
    const { pool, ids, heal } = await poisoned()
    heal()
    await ask(pool, ids[1], 'replay')
    await until(
      () => effectCount(pool),
      (n) => n === 6,
    )
    expect(inversions(await effects(pool))).toEqual([])
    expect(await held(pool)).toEqual([])
    const [entry] = await rows(pool, "select actor, why from spandrel.journal where kind = 'replay'")
    expect(entry).toEqual({ actor: 'ada', why: 'it was me' })
  })

  test('FM21 a replay goes to the consumer that failed, and to nobody else', async () => {
    const { pool, url, ids, heal } = await poisoned()
    const other = testContract(undefined, { service: 'other' })
    const { pool: elsewhere, url: otherUrl } = await world(other)
    await migrateStream(pool, registrationOf(other))
    const stream = cleanup.add(await openTransport(url))
    cleanup.add(await runConsumer(otherUrl, other, { thing: writesEffect('other') }, { transport: stream }))
    // In one partition with all others, and behind them: whatever it reads of those, it has read then.
    await feed(stream, [message(9, { key: 'one' })])
    const before = await until(
      () => effects(elsewhere),
      (seen) => seen.some(({ n }) => n === 9),
    )
    heal()
    await ask(pool, ids[1], 'replay')
    await until(
      () => effectCount(pool),
      (n) => n === 7,
    )
    // What comes after the replay is there; the replay is not.
    await feed(stream, [message(10, { key: 'one' })])
    await until(
      () => effectCount(elsewhere),
      (n) => n > before.length,
    )
    expect((await effects(elsewhere)).slice(before.length).map(({ n }) => n)).toEqual([10])
  })

  test('FM22 a replay that fails again is counted, and not repeated by itself', async () => {
    const { pool, ids } = await poisoned()
    await ask(pool, ids[1], 'replay')
    await until(
      () => journalOf(pool, ids[1] ?? ''),
      (kinds) => kinds.filter((kind) => kind === 'dead').length === 2,
    )
    const [row] = await rows(pool, 'select replays, attempts, request from spandrel.held where message_id = $1', [
      ids[1],
    ])
    expect(row).toEqual({ replays: 1, attempts: 3, request: null })
  })

  test('a replay of one that waits is refused, and says so', async () => {
    const { pool, ids } = await poisoned()
    await ask(pool, ids[3], 'replay')
    await until(
      () => journalOf(pool, ids[3] ?? ''),
      (kinds) => kinds.includes('request-refused'),
    )
    expect((await held(pool)).find(({ message_id: id }) => id === ids[3])?.state).toBe('waiting')
  })

  test('a discard frees the key, and the message is never handled again', async () => {
    const { pool, ids, transport } = await poisoned()
    await ask(pool, ids[1], 'discard')
    await until(
      () => effectCount(pool),
      (n) => n === 5,
    )
    expect((await effects(pool)).map(({ n }) => n)).toEqual([0, 2, 3, 4, 5])
    // The relay sends it once more.
    await feed(transport, [message(1, { key: 'one', id: ids[1] ?? '' }), message(7, { key: 'one' })])
    await until(
      () => effectCount(pool),
      (n) => n === 6,
    )
    expect((await effects(pool)).map(({ n }) => n)).toEqual([0, 2, 3, 4, 5, 7])
    const [entry] = await rows(pool, "select actor, why from spandrel.journal where kind = 'discard'")
    expect(entry).toEqual({ actor: 'ada', why: 'it was me' })
  })

  test('the end of its retention is a recorded discard that frees the key', async () => {
    const { pool, ids } = await poisoned()
    await pool.query("update spandrel.held set expires_at = now() - interval '1 second' where dead_at is not null")
    await until(
      () => effectCount(pool),
      (n) => n === 5,
    )
    expect(await journalOf(pool, ids[1] ?? '')).toContain('expired')
    expect(await held(pool)).toEqual([])
  })
})
