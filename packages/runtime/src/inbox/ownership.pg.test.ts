import pg from 'pg'
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
  runConsumer,
  testContract,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { openTransport } from '../transport/open.ts'
import type { Transport } from '../transport/transport.ts'
import { fairShare } from './ownership.ts'
import { fence } from './ownership-sql.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

async function world(partitions = 4): Promise<{
  url: string
  superuser: string
  pool: pg.Pool
  transport: Transport
  contract: ReturnType<typeof testContract>
}> {
  const contract = testContract({ thing: {} }, { partitions })
  const { url, superuser, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  return { url, superuser, pool, transport: cleanup.add(await openTransport(url)), contract }
}

const owners = (pool: pg.Pool): Promise<{ owner: string | null; n: number }[]> =>
  rows(pool, 'select owner, count(*)::int as n from spandrel.partitions group by 1 order by 2 desc')

const share = (list: readonly { owner: string | null; n: number }[]): (number | null)[] =>
  list.map(({ owner, n }) => (owner === null ? null : n))

test('shares add up, whatever the names are', () => {
  for (let count = 1; count < 20; count++) {
    for (let size = 1; size < 8; size++) {
      const replicas = Array.from({ length: size }, (_, n) => `r${n * 7919}`)
      const shares = replicas.map((me) => fairShare(`s${count}`, count, replicas, me))
      expect(shares.reduce((a, b) => a + b, 0)).toBe(count)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
    }
  }
})

describe('replicas', () => {
  test('take up to a fair share, give back between batches, take over what is released; every key stays in order', async () => {
    const { url, pool, transport, contract } = await world(8)
    const start = (who: string): ReturnType<typeof runConsumer> =>
      runConsumer(url, contract, { thing: writesEffect(who) }, { name: who })
    let n = 0
    const done = new AbortController()
    const feeder = (async () => {
      while (!done.signal.aborted) {
        await feed(
          transport,
          Array.from({ length: 20 }, () => message(n, { key: `k${n++ % 20}` })),
        )
        await until(
          () => effectCount(pool),
          (count) => count > n - 300,
        )
      }
    })()
    const a = cleanup.add(await start('a'))
    expect(share(await owners(pool))).toEqual([8])
    const b = cleanup.add(await start('b'))
    await until(
      () => owners(pool),
      (list) => JSON.stringify(share(list)) === '[4,4]',
    )
    cleanup.add(await start('c'))
    await until(
      () => owners(pool),
      (list) => JSON.stringify(share(list)) === '[3,3,2]',
    )
    await b.stop()
    await until(
      () => owners(pool),
      (list) => JSON.stringify(share(list)) === '[4,4]',
    )
    await a.stop()
    await until(
      () => owners(pool),
      (list) => JSON.stringify(share(list)) === '[8]',
    )
    done.abort()
    await feeder
    await until(
      () => effectCount(pool),
      (count) => count >= n,
    )
    const seen = await effects(pool)
    expect(seen).toHaveLength(n)
    expect(inversions(seen.map((effect) => ({ ...effect, who: 'any' })))).toEqual([])
    expect(new Set(seen.map(({ who }) => who))).toEqual(new Set(['a', 'b', 'c']))
    // Nothing but releases: nobody died.
    expect(await rows(pool, "select 1 from spandrel.journal where kind = 'takeover'")).toEqual([])
  })

  test('a handler that takes longer than the lease keeps its partition', async () => {
    const { url, pool, transport, contract } = await world(1)
    const slow = writesEffect('a') as (...parts: unknown[]) => Promise<void>
    const tuning = { leaseMs: 1500, renewMs: 200 }
    let begun = 0
    const thing = async (...parts: unknown[]): Promise<void> => {
      begun++
      await new Promise((resolve) => setTimeout(resolve, 4000))
      await slow(...parts)
    }
    cleanup.add(await runConsumer(url, contract, { thing }, { tuning }))
    cleanup.add(await runConsumer(url, contract, { thing }, { tuning }))
    await feed(transport, [message(1, { key: 'a' })])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    expect(begun).toBe(1)
    expect(await rows(pool, "select 1 from spandrel.journal where kind = 'takeover'")).toEqual([])
  })
})

test('connections that a pool or a pooler closes are no death: nothing is taken over', async () => {
  const { url, superuser, pool, contract } = await world(4)
  // Whoever looks on must not lose its own connection.
  const onlooker = new pg.Pool({ connectionString: superuser, max: 1 })
  cleanup.add({ close: () => onlooker.end() })
  const tuning = { leaseMs: 1500, renewMs: 200 }
  for (const name of ['a', 'b'])
    cleanup.add(await runConsumer(url, contract, { thing: writesEffect(name) }, { tuning }))
  await until(
    () => owners(pool),
    (list) => JSON.stringify(share(list)) === '[2,2]',
  )
  // Whoever renewed last is closed at once, for as long as ten renewals take; then each has been met often.
  const closed = new Set<number>()
  await until(
    async () => {
      const ended = await rows<{ pid: number }>(
        onlooker,
        `select pid from (
           select backend as pid from spandrel.partitions union select owner::int from spandrel.leases where name like 'consumer/%'
         ) renewed where pid <> pg_backend_pid() and pg_terminate_backend(pid)`,
      )
      for (const { pid } of ended) closed.add(pid)
      return closed.size
    },
    (count) => count >= 10,
  )
  expect(await rows(onlooker, "select 1 from spandrel.journal where kind = 'takeover'")).toEqual([])
  expect(share(await owners(onlooker))).toEqual([2, 2])
})

/** Begins a transaction; the server process that runs it. */
async function begun(client: pg.Client): Promise<number> {
  await client.query('begin')
  const { rows: seen } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return seen[0]?.pid ?? 0
}

describe('the fence', () => {
  test('a raise of the epoch waits for the open transaction; who begins behind it finds no row; renewals pass', async () => {
    const { url, pool } = await world(1)
    await pool.query(
      "update spandrel.partitions set owner = 'old', epoch = 7, until = clock_timestamp() + interval '1 hour'",
    )
    const clients = await Promise.all(
      ['old', 'taker', 'late'].map(async () => {
        const client = new pg.Client(url)
        await client.connect()
        return client
      }),
    )
    const [old, taker, late] = clients as [pg.Client, pg.Client, pg.Client]
    const values = ['sink:things', [0], ['7'], 'old', '1000']
    await old.query('begin')
    expect((await old.query(fence, values)).rowCount).toBe(1)
    // A renewal, and the position, are not kept waiting.
    await pool.query('update spandrel.partitions set until = clock_timestamp()')
    const takersPid = await begun(taker)
    const raised = taker.query('select 1 from spandrel.partitions for update')
    const waits = (pid: number): Promise<{ blocked: boolean }[]> =>
      rows(pool, 'select cardinality(pg_blocking_pids($1)) > 0 as blocked', [pid])
    await until(
      () => waits(takersPid),
      ([row]) => row?.blocked === true,
    )
    await old.query('update spandrel.partitions set position = 5')
    await old.query('commit')
    await raised
    await taker.query("update spandrel.partitions set epoch = 8, owner = 'new'")
    const latesPid = await begun(late)
    const behind = late.query(fence, values)
    await until(
      () => waits(latesPid),
      ([row]) => row?.blocked === true,
    )
    await taker.query('commit')
    expect((await behind).rowCount).toBe(0)
    await Promise.all(clients.map((client) => client.end()))
  })

  test('past the lease the old owner’s transaction is ended, and its commit fails', async () => {
    const { url, pool, transport, contract } = await world(1)
    await feed(transport, [message(1, { key: 'a' })])
    // An owner that holds its fence and says nothing any more.
    const old = new pg.Client(url)
    old.on('error', () => {})
    await old.connect()
    await old.query(
      "update spandrel.partitions set owner = 'old', epoch = 7, backend = pg_backend_pid(), until = clock_timestamp() + interval '300 ms'",
    )
    await old.query('begin')
    expect((await old.query(fence, ['sink:things', [0], ['7'], 'old', '60000'])).rowCount).toBe(1)
    await old.query("insert into effects (who, n) values ('old', 1)")
    cleanup.add(await runConsumer(url, contract, { thing: writesEffect('new') }))
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    await expect(old.query('commit')).rejects.toThrow(/terminat|not queryable/)
    expect((await effects(pool)).map(({ who }) => who)).toEqual(['new'])
    expect(await rows(pool, 'select epoch::int from spandrel.partitions')).toEqual([{ epoch: 8 }])
    await old.end().catch(() => {})
  })
})

describe('positions that mean nothing any more', () => {
  for (const [what, sql, why] of [
    ['another incarnation', 'update spandrel_stream.incarnation set id = gen_random_uuid()::text', /incarnation/],
    [
      'a position past the head',
      'update spandrel_stream.heads set head = 0; delete from spandrel_stream.log',
      /past the newest/,
    ],
  ] as const) {
    test(`${what} stops the partition, and says so`, async () => {
      const { url, pool, transport, contract } = await world(1)
      const first = await runConsumer(url, contract, { thing: writesEffect('a') })
      await feed(transport, [message(1, { key: 'a' })])
      await until(
        () => effectCount(pool),
        (n) => n === 1,
      )
      await first.stop()
      await pool.query(sql)
      const second = cleanup.add(await runConsumer(url, contract, { thing: writesEffect('b') }))
      const [row] = await until(
        () =>
          rows<{ stopped: string | null; owner: string | null }>(
            pool,
            'select stopped, owner from spandrel.partitions',
          ),
        ([partition]) => partition?.stopped !== null,
      )
      expect(row?.stopped).toMatch(why)
      await until(
        () => second.consumer.health(),
        ({ gauges, lastError }) => gauges['partitionsStopped'] === 1 && lastError?.message.match(why) !== null,
      )
      await feed(transport, [message(2, { key: 'a' })])
      // An operator decides: from the start of what there is now.
      await pool.query('update spandrel.partitions set stopped = null, position = 0, incarnation = null')
      await until(
        () => effectCount(pool),
        (n) => n >= 2,
      )
    })
  }

  test('while it runs', async () => {
    const { url, pool, transport, contract } = await world(1)
    const running = cleanup.add(await runConsumer(url, contract, { thing: writesEffect('a') }))
    await feed(transport, [message(1, { key: 'a' })])
    await until(
      () => effectCount(pool),
      (n) => n === 1,
    )
    await pool.query('update spandrel_stream.heads set head = 0; delete from spandrel_stream.log')
    await until(
      () => running.consumer.health().gauges['partitionsStopped'],
      (n) => n === 1,
    )
    // It says so before the row is written.
    const [stopped] = await until(
      () => rows<{ stopped: boolean }>(pool, 'select stopped is not null as stopped from spandrel.partitions'),
      ([row]) => row?.stopped === true,
    )
    expect(stopped).toEqual({ stopped: true })
  })
})
