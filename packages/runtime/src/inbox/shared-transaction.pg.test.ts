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
  type Running,
  rows,
  runConsumer,
  testContract,
  type TestHandlers,
  until,
} from '../../test/consuming.ts'
import { openTransport } from '../transport/open.ts'

/** Law: whatever one handler of a batch does wrong, no neighbour's effect is lost, and nothing unfinished is settled. */
const cleanup = new Cleanup()
afterEach(() => cleanup.run())

type Handler = Extract<TestHandlers[string], (...parts: never[]) => unknown>

const write: Handler = async ({ id, data, attributes }, { tx, send }) => {
  await tx.query('insert into effects (who, message, k, n) values ($1, $2, $3, $4)', [
    'a',
    id,
    attributes.partitionkey ?? null,
    data.n,
  ])
  send('echoed', { n: data.n })
}

/** One batch of `count` messages, of which number 7 is handled by `odd`. */
async function batch(
  odd: Handler,
  count = 40,
): Promise<{ pool: Pool; running: Running; invoked: Map<number, number> }> {
  const contract = testContract()
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  const transport = cleanup.add(await openTransport(url))
  await feed(
    transport,
    Array.from({ length: count }, (_, n) => message(n, { key: `k${n % 10}` })),
  )
  const invoked = new Map<number, number>()
  const running = await runConsumer(url, contract, {
    async thing(received, context) {
      invoked.set(received.data.n, (invoked.get(received.data.n) ?? 0) + 1)
      await (received.data.n === 7 ? odd : write)(received, context)
    },
  })
  cleanup.add(running)
  return { pool, running, invoked }
}

async function outcome(
  pool: Pool,
): Promise<{ effects: number[]; handled: number; sent: number; reason: string | undefined }> {
  const done = await effects(pool)
  expect(inversions(done)).toEqual([])
  const handled = await rows(pool, "select 1 from spandrel.inbox where outcome = 'handled'")
  const sent = await rows<{ n: number }>(pool, "select (data::json ->> 'n')::int as n from spandrel.outbox")
  const [dead] = await rows<{ reason: string }>(pool, 'select reason from spandrel.held where dead_at is not null')
  // Every effect has its message and its record, and the other way round.
  expect(new Set(sent.map(({ n }) => n))).toEqual(new Set(done.map(({ n }) => n)))
  expect(sent).toHaveLength(done.length)
  expect(handled).toHaveLength(done.length)
  return {
    effects: done.map(({ n }) => n).toSorted((a, b) => a - b),
    handled: handled.length,
    sent: sent.length,
    reason: dead?.reason,
  }
}

const all = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
/** Number 7 is dead, and 17, 27, 37 wait behind it. */
const withoutSeven = all(40).filter((n) => n % 10 !== 7)

async function handled(pool: Pool, count: number): Promise<void> {
  await until(
    () => effectCount(pool),
    (n) => n === count,
  )
}

async function allButTheDead(pool: Pool): Promise<void> {
  await handled(pool, withoutSeven.length)
  await until(
    () => rows(pool, 'select 1 from spandrel.held where dead_at is not null'),
    ({ length }) => length === 1,
  )
}

describe('a batch in one transaction', () => {
  test('is one transaction', async () => {
    const { pool } = await batch(write)
    await handled(pool, 40)
    const [row] = await rows<{ n: number }>(pool, 'select count(distinct xmin::text)::int as n from effects')
    expect(row?.n).toBeLessThanOrEqual(4)
    expect((await outcome(pool)).effects).toEqual(all(40))
  })

  test('a throw: one attempt, and only its own', async () => {
    const { pool, invoked } = await batch(async (received, context) => {
      await write(received, context)
      throw new Error('no')
    })
    await allButTheDead(pool)
    expect(await outcome(pool)).toMatchObject({ effects: withoutSeven, reason: 'threw' })
    expect(invoked.get(7)).toBe(3)
    const [attempts] = await rows<{ n: number }>(
      pool,
      "select count(*)::int as n from spandrel.journal where kind = 'attempt-failed'",
    )
    expect(attempts?.n).toBe(3)
  })

  test('a swallowed SQL error', async () => {
    const { pool } = await batch(async (received, context) => {
      await write(received, context)
      await context.tx.query('select 1 / 0').catch(() => {})
    })
    await allButTheDead(pool)
    expect(await outcome(pool)).toMatchObject({ effects: withoutSeven, reason: 'statement-failed' })
  })

  test('FM58: a swallowed SQL error, and a statement after it that throws: the first is what counts, as an attempt', async () => {
    const { pool, invoked } = await batch(async (received, context) => {
      await context.tx.query('select 1 / 0').catch(() => {})
      await write(received, context)
    })
    await allButTheDead(pool)
    expect(await outcome(pool)).toMatchObject({ effects: withoutSeven, reason: 'statement-failed' })
    expect(invoked.get(7)).toBeLessThanOrEqual(4)
  })

  test('a statement that nobody awaited, and that fails', async () => {
    const { pool } = await batch(async (received, context) => {
      await write(received, context)
      void context.tx.query('insert into effects (n) values ($1)', ['no number'])
    })
    await allButTheDead(pool)
    expect(await outcome(pool)).toMatchObject({ effects: withoutSeven, reason: 'statement-failed' })
  })

  test('a statement that nobody awaited, and that is slow: the commit waits for it', async () => {
    const { pool } = await batch(async (received, context) => {
      void context.tx.query(
        "with slept as materialized (select pg_sleep(0.3)) insert into effects (who, message, k, n) select 'a', $1, 'k7', 7 from slept",
        [received.id],
      )
      context.send('echoed', { n: 7 })
    })
    await handled(pool, 40)
    expect((await outcome(pool)).effects).toEqual(all(40))
  })

  test('a savepoint: done again alone, where it may', async () => {
    const { pool, running, invoked } = await batch(async (received, context) => {
      await context.tx.query('savepoint mine')
      await context.tx.query("insert into effects (who, n) values ('never', 0)")
      await context.tx.query('rollback to savepoint mine')
      await write(received, context)
    })
    await handled(pool, 40)
    expect((await outcome(pool)).effects).toEqual(all(40))
    expect(await rows(pool, "select 1 from spandrel.journal where kind = 'attempt-failed'")).toEqual([])
    expect(invoked.get(7)).toBe(2)
    expect(running.log.filter((line) => line.startsWith('warn'))).toEqual([])
  })

  test('a swallowed refusal of a savepoint does not count as success', async () => {
    const { pool } = await batch(async (received, context) => {
      await context.tx.query('savepoint mine').catch(() => {})
      await write(received, context)
    })
    await handled(pool, 40)
    expect((await outcome(pool)).effects).toEqual(all(40))
  })

  test('a rollback of the whole transaction', async () => {
    const { pool } = await batch(async (received, context) => {
      await context.tx.query('rollback')
      await write(received, context)
    })
    await allButTheDead(pool)
    expect(await outcome(pool)).toMatchObject({ effects: withoutSeven, reason: 'statement-failed' })
  })

  test('a handle that is used after its handler ended', async () => {
    const late: Promise<unknown>[] = []
    const { pool } = await batch(async (received, context) => {
      await write(received, context)
      const use = (): Promise<unknown> => context.tx.query("insert into effects (who, n) values ('late', 7)")
      late.push(new Promise((resolve) => setTimeout(resolve, 20)).then(use).catch((error: unknown) => error))
    })
    await handled(pool, 40)
    for (const end of await Promise.all(late)) expect(end).toMatchObject({ code: 'statement-after-end' })
    expect((await outcome(pool)).effects).toEqual(all(40))
  })

  test('a constraint that is checked at commit', async () => {
    const { pool } = await batch(write, 0)
    await pool.query('create table strict (n int unique deferrable initially deferred); insert into strict values (7)')
    await cleanup.run()
    const contract = testContract()
    const url = (pool as unknown as { options: { connectionString: string } }).options.connectionString
    const transport = cleanup.add(await openTransport(url))
    await feed(
      transport,
      Array.from({ length: 40 }, (_, n) => message(n, { key: `k${n % 10}` })),
    )
    cleanup.add(
      await runConsumer(url, contract, {
        async thing(received, context) {
          if (received.data.n === 7) await context.tx.query('insert into strict values (7)')
          await write(received, context)
        },
      }),
    )
    await allButTheDead(pool)
    expect((await outcome(pool)).effects).toEqual(withoutSeven)
  })

  test('a serialization failure and a deadlock are no attempts', async () => {
    let failures = 4
    const { pool } = await batch(async (received, context) => {
      await write(received, context)
      if (failures-- > 0)
        await context.tx.query(
          failures % 2 === 0
            ? "do $$ begin raise sqlstate '40001'; end $$"
            : "do $$ begin raise sqlstate '40P01'; end $$",
        )
    })
    await handled(pool, 40)
    expect((await outcome(pool)).effects).toEqual(all(40))
    expect(await rows(pool, 'select 1 from spandrel.journal')).toEqual([])
  })
})

describe('a batch handler', () => {
  test('gets many at once; one it cannot take is found by handling one by one', async () => {
    const contract = testContract()
    const { url, pool } = await testDatabase()
    await migrateFor(pool, [contract])
    const transport = cleanup.add(await openTransport(url))
    await feed(
      transport,
      Array.from({ length: 40 }, (_, n) => message(n, { key: `k${n % 10}` })),
    )
    const sizes: number[] = []
    cleanup.add(
      await runConsumer(url, contract, {
        thing: {
          async batch(messages, { tx, send, note }) {
            sizes.push(messages.length)
            await tx.query(
              'insert into effects (who, message, k, n) select $1, * from unnest($2::text[], $3::text[], $4::int[])',
              [
                'a',
                messages.map(({ id }) => id),
                messages.map(({ attributes }) => attributes.partitionkey),
                messages.map(({ data }) => data.n),
              ],
            )
            if (messages.some(({ data }) => data.n === 7)) throw new Error('not seven')
            for (const received of messages) send(received, 'echoed', { n: received.data.n })
            const [first] = messages
            if (first !== undefined) note(first, 'first of its batch')
          },
        },
      }),
    )
    await allButTheDead(pool)
    expect((await outcome(pool)).effects).toEqual(withoutSeven)
    expect(Math.max(...sizes)).toBeGreaterThan(5)
    const causes = await rows<{ n: number; cause: string }>(
      pool,
      "select (o.data::json ->> 'n')::int as n, e.n as cause from spandrel.outbox o join effects e on e.message = o.attributes::json ->> 'causationid'",
    )
    expect(causes.every(({ n, cause }) => n === Number(cause))).toBe(true)
  })
})
