import type { Pool } from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
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
  testContract,
  until,
} from '../../test/consuming.ts'
import type { Sink } from '../../test/sink-process.ts'
import { Sinks } from '../../test/sinks.ts'
import { pgDatabase } from '../database/pg.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'
import { conservation } from './conservation.ts'

/** Each law is broken by the mutant that lacks it, and kept without: the tests above would notice. */
const cleanup = new Cleanup()
afterEach(() => cleanup.run())

async function world(): Promise<{ url: string; pool: Pool; transport: Transport; sinks: Sinks }> {
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [testContract()])
  const transport = cleanup.add(await openTransport(url))
  return { url, pool, transport, sinks: cleanup.add(new Sinks()) }
}

/** Every message has come to an end, or stands in the held ones: nothing is on its way any more. */
const settled = (pool: Pool): Promise<unknown> =>
  until(
    () =>
      rows<{ behind: number }>(
        pool,
        `select sum(h.head - p.position)::int as behind from spandrel.partitions p
         join spandrel_stream.channels c on 'sink:' || c.address = p.subscription
         join spandrel_stream.heads h on h.channel = c.id and h.partition = p.partition`,
      ),
    ([row]) => row?.behind === 0,
  )

const base = (url: string): Sink => ({ url, style: 'plain', name: 'a', tuning: { leaseMs: 1000, renewMs: 100 } })

describe.each([undefined, 'mutant'])('with %s', { timeout: 90_000 }, (mutated) => {
  const mutant = (name: string): string | undefined => (mutated === undefined ? undefined : name)

  test('settle-before-commit: a crash before the commit loses messages', async () => {
    const { url, pool, transport, sinks } = await world()
    await feed(
      transport,
      Array.from({ length: 100 }, (_, n) => message(n, { key: `k${n % 10}` })),
    )
    // The delay lets the position that was written too early be committed.
    const victim = await sinks.start(
      base(url),
      'consumer.claimed=delay:300;consumer.handled=kill',
      mutant('settle-before-commit'),
    )
    expect(await victim.exited).toBe('SIGKILL')
    await sinks.start(base(url), undefined, mutant('settle-before-commit'))
    await settled(pool)
    const lost = 100 - (await effectCount(pool))
    expect(lost > 0).toBe(mutated !== undefined)
    const { query } = pgDatabase(pool)
    const law = await conservation(query, query, { name: 'sink:things', channel: 'things' })
    expect(law.lost).toHaveLength(Math.min(lost, 100))
    expect(law).toMatchObject({ messages: 100, handled: 100 - lost, onItsWay: 0, twice: [] })
  })

  test('any-record-suppresses: a failed attempt is taken for done, and the message is lost', async () => {
    const { url, pool, transport, sinks } = await world()
    await sinks.start({ ...base(url), failOnce: 5 }, undefined, mutant('any-record-suppresses'))
    await feed(
      transport,
      Array.from({ length: 10 }, (_, n) => message(n, { key: `k${n}` })),
    )
    await settled(pool)
    await until(
      () => rows(pool, 'select 1 from spandrel.held'),
      ({ length }) => length === 0,
    )
    expect(await effectCount(pool)).toBe(mutated === undefined ? 10 : 9)
  })

  test('order-off: what comes after a failing message overtakes it', async () => {
    const { url, pool, transport, sinks } = await world()
    await sinks.start({ ...base(url), failOnce: 5 }, undefined, mutant('order-off'))
    await feed(
      transport,
      Array.from({ length: 60 }, (_, n) => message(n, { key: 'one' })),
    )
    await until(
      () => effectCount(pool),
      (n) => n === 60,
    )
    const wrong = inversions(await effects(pool)).length
    expect(wrong > 0).toBe(mutated !== undefined)
  })

  test('keys-off: a second delivery runs again', async () => {
    const { url, pool, transport, sinks } = await world()
    await sinks.start(base(url), undefined, mutant('keys-off'))
    const messages = Array.from({ length: 10 }, (_, n) => message(n, { key: `k${n}` }))
    await feed(transport, messages)
    await until(
      () => effectCount(pool),
      (n) => n === 10,
    )
    await feed(transport, messages)
    await settled(pool)
    expect(await effectCount(pool)).toBe(mutated === undefined ? 10 : 20)
  })
})
