import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../../test/postgres.ts'
import { pgDatabase } from '../../database/pg.ts'
import type { OutgoingMessage } from '../../message/envelope.ts'
import { transportConformance } from '../conformance.ts'
import { partitionOf } from '../partition.ts'
import { append } from './append.ts'
import { postgresTransport } from './postgres-transport.ts'
import { trim } from './trim.ts'

let database: TestDatabase
const pools: pg.Pool[] = []
let channels = 0

beforeAll(async () => {
  database = await testDatabase({ max: 4 })
  const schema = await readFile(new URL('../../schema/sql/stream-001-first.sql', import.meta.url), 'utf8')
  await database.pool.query(`create schema spandrel_stream; ${schema}`)
})
afterAll(async () => {
  for (const pool of pools) await pool.end()
})

async function register(max = 1_000_000): Promise<{ channel: string; id: number }> {
  const channel = `things.${++channels}`
  const { rows } = await database.pool.query(
    'insert into spandrel_stream.channels (address, partitions, max_messages) values ($1, 4, $2) returning id',
    [channel, max],
  )
  const { id } = rows[0]
  await database.pool.query(
    'insert into spandrel_stream.heads (channel, partition) select $1, n from generate_series(0, 3) n',
    [id],
  )
  for (const name of ['one', 'two']) {
    await database.pool.query('insert into spandrel_stream.subscriptions (name, channel) values ($1, $2)', [
      `${name}:${channel}`,
      id,
    ])
  }
  return { channel, id }
}

function connect(): ReturnType<typeof pgDatabase> {
  const pool = new pg.Pool({ connectionString: database.url, max: 3 })
  pools.push(pool)
  return pgDatabase(pool)
}

transportConformance('postgres', async () => {
  const { channel } = await register()
  return {
    open: async () => postgresTransport(connect(), { maxMessageBytes: 100_000 }),
    channel,
    subscriptions: [`one:${channel}`, `two:${channel}`],
    maxMessageBytes: 100_000,
  }
})

test('trimming stops at the slowest subscription, keeps what was asked for, and a reader behind it is told', async () => {
  const { channel, id } = await register()
  const { query } = connect()
  await append(
    query,
    Array.from({ length: 100 }, (_, n) => ({ channel: id, partition: 0, attributes: '{}', data: String(n) })),
  )
  const transport = postgresTransport(connect())
  const [one, two] = [
    await transport.subscription(`one:${channel}`, channel),
    await transport.subscription(`two:${channel}`, channel),
  ]
  const kept = async (): Promise<number> =>
    (await query<{ n: number }>('select count(*)::int as n from spandrel_stream.log where channel = $1', [id])).rows[0]!
      .n

  await one.settle(new Map([[0, 90]]))
  await trim(query, 0)
  expect(await kept(), 'the other subscription has read nothing').toBe(100)
  await two.settle(new Map([[0, 60]]))
  await trim(query, 0)
  expect(await kept()).toBe(40)
  await two.settle(new Map([[0, 100]]))
  await trim(query, 30)
  expect(await kept(), 'the newest 30 stay').toBe(30)

  const options = { limit: 10, maxBytes: 1_000_000 }
  expect((await one.read(new Map([[0, 90]]), options))[0]?.offset).toBe(91)
  expect((await one.read(new Map([[0, 0]]), options))[0]?.offset, 'a new one starts at the oldest kept').toBe(71)
  await expect(one.read(new Map([[0, 10]]), options)).rejects.toMatchObject({ code: 'incarnation-changed' })
  await transport.close()
})

const message = (channel: string, key: string, data = '1'): OutgoingMessage => ({
  channel,
  attributes: {
    specversion: '1.0' as const,
    id: crypto.randomUUID(),
    source: '/t',
    type: 't',
    time: new Date().toISOString(),
    datacontenttype: 'application/json' as const,
    correlationid: 'c',
    partitionkey: key,
  },
  data,
})

test('FM11: a full partition takes nothing more, says so, and leaves the others alone', async () => {
  const { channel } = await register(40) // ten a partition
  const transport = postgresTransport(connect())
  const [full, free] = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].reduce<[string, string]>(
    ([a, b], key) => [a, partitionOf(key, 4) === partitionOf(a, 4) ? b : key],
    ['a', 'a'],
  )
  await transport.publish(Array.from({ length: 10 }, () => message(channel, full)))
  const results = await transport.publish([message(channel, full), message(channel, free), message(channel, full)])
  expect(results).toEqual([
    { ok: false, later: expect.stringContaining('full') },
    { ok: true },
    { ok: false, later: expect.any(String) },
  ])
  const subscription = await transport.subscription(`one:${channel}`, channel)
  await subscription.settle(new Map([[partitionOf(full, 4), 10]]))
  await (await transport.subscription(`two:${channel}`, channel)).settle(new Map([[partitionOf(full, 4), 10]]))
  await trim(connect().query, 0)
  expect(await transport.publish([message(channel, full)])).toEqual([{ ok: true }])
  await transport.close()
})

test('FM12: a message the server cannot store is found among its batch, and its key waits behind it', async () => {
  const { channel } = await register()
  const transport = postgresTransport(connect())
  const batch = [message(channel, 'a'), message(channel, 'b', '"\0"'), message(channel, 'b'), message(channel, 'c')]
  const results = await transport.publish(batch)
  expect(results.map((result) => (result.ok ? 'ok' : Object.keys(result).at(-1)))).toEqual([
    'ok',
    'refused',
    'later',
    'ok',
  ])
  await transport.close()
})

test('a stream that cannot be reached says so and keeps nothing', async () => {
  const pool = new pg.Pool({ connectionString: 'postgres://postgres@127.0.0.1:1/none' })
  pools.push(pool)
  const transport = postgresTransport(pgDatabase(pool))
  await expect(transport.subscription('one:x', 'x')).rejects.toMatchObject({ code: 'transport-unavailable' })
  await transport.close()
})
