import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { pgDatabase } from '../database/pg.ts'
import {
  checkGateway,
  checkMigrated,
  checkStream,
  migrateGateway,
  migrateService,
  migrateStream,
  migrationSql,
} from './migrate.ts'
import type { ServiceRegistration, StreamRegistration } from './registration.ts'

const orders: ServiceRegistration = {
  service: 'orders',
  source: '/shop/orders',
  version: '1.0.0',
  channels: [
    { address: 'orders', ordered: true, partitions: 4 },
    { address: "quotes' and \\ such", ordered: false, partitions: 2 },
  ],
  subscriptions: [{ name: 'orders:orders', channel: 'orders' }],
}
const stream: StreamRegistration = { channels: orders.channels, subscriptions: orders.subscriptions }

/** Everything a schema consists of, as text. */
async function shape(pool: pg.Pool, schema: string): Promise<string[]> {
  const { rows } = await pool.query(
    `select format('%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) as line
     from pg_class c join pg_attribute a on a.attrelid = c.oid where c.relnamespace = $1::regnamespace and a.attnum > 0
     union all select pg_get_functiondef(oid) from pg_proc where pronamespace = $1::regnamespace order by 1`,
    [schema],
  )
  return rows.map(({ line }) => line as string)
}

describe('migrations', () => {
  test('FM34 apply once, also when several start at once', async () => {
    const { pool } = await testDatabase()
    const reports = await Promise.all(Array.from({ length: 6 }, () => migrateService(pool, orders)))
    expect(reports.flatMap(({ applied }) => applied)).toEqual(['service 1 first'])
    await checkMigrated(pool, 'orders')
    const { rows } = await pool.query('select subscription, partition from spandrel.partitions order by partition')
    expect(rows).toEqual([0, 1, 2, 3].map((partition) => ({ subscription: 'orders:orders', partition })))
  })

  test('FM34 the printed SQL makes the same schema', async () => {
    const [migrated, printed] = [await testDatabase(), await testDatabase()]
    await migrateService(migrated.pool, orders)
    await migrateStream(migrated.pool, stream)
    await migrateGateway(migrated.pool)
    await expect(checkGateway(printed.pool)).rejects.toThrow(/no schema spandrel_gateway/)
    await printed.pool.query(migrationSql({ service: orders, stream, gateway: true }))
    await checkGateway(printed.pool)
    for (const schema of ['spandrel', 'spandrel_stream', 'spandrel_gateway']) {
      expect(await shape(printed.pool, schema)).toEqual(await shape(migrated.pool, schema))
    }
    const channels = 'select address, ordered, partitions from spandrel.channels order by address'
    expect((await printed.pool.query(channels)).rows).toEqual((await migrated.pool.query(channels)).rows)
    await checkMigrated(printed.pool, 'orders')
    await checkStream(printed.pool)
    await expect(
      printed.pool.query(migrationSql({ service: { ...orders, service: 'payments' }, from: { service: 99 } })),
    ).rejects.toThrow(/belongs to another service/)
  })

  test('FM34 a failure leaves nothing behind', async () => {
    const { pool } = await testDatabase()
    await pool.query('create schema spandrel; create table spandrel.held (x int)')
    await expect(migrateService(pool, orders)).rejects.toThrow(/already exists/)
    const { rows } = await pool.query(
      "select count(*)::int as n from pg_class where relnamespace = 'spandrel'::regnamespace and relkind = 'r'",
    )
    expect(rows).toEqual([{ n: 1 }])
  })

  test('a service says what to run when its database is not migrated', async () => {
    const { pool } = await testDatabase()
    const expected = { code: 'database-not-migrated', hint: 'run `spandrel migrate`' }
    await expect(checkMigrated(pool, 'orders')).rejects.toMatchObject(expected)
    await expect(checkStream(pool)).rejects.toMatchObject(expected)
    await migrateService(pool, orders)
    await pool.query('delete from spandrel.migrations')
    await expect(checkMigrated(pool, 'orders')).rejects.toMatchObject(expected)
  })

  test('a newer schema is fine until it is past a breaking migration', async () => {
    const { pool } = await testDatabase()
    await migrateService(pool, orders)
    const add = "insert into spandrel.migrations (number, name, checksum, breaking) values ($1, 'later', 'x', $2)"
    await pool.query(add, [900, false])
    await checkMigrated(pool, 'orders')
    await migrateService(pool, orders)
    await pool.query(add, [901, true])
    const expected = { code: 'database-not-migrated', message: expect.stringContaining('901 later') as string }
    await expect(checkMigrated(pool, 'orders')).rejects.toMatchObject(expected)
    await expect(migrateService(pool, orders)).rejects.toMatchObject(expected)
  })

  test('a migration whose text changed after it was applied is refused', async () => {
    const { pool } = await testDatabase()
    await migrateService(pool, orders)
    await pool.query("update spandrel.migrations set checksum = 'other' where number = 1")
    await expect(migrateService(pool, orders)).rejects.toThrow(/another text/)
  })

  test('FM33 a schema belongs to one service', async () => {
    const { pool } = await testDatabase()
    await migrateService(pool, orders)
    await expect(migrateService(pool, { ...orders, service: 'payments' })).rejects.toMatchObject({
      code: 'unknown-service',
    })
    await expect(checkMigrated(pool, 'payments')).rejects.toMatchObject({ code: 'unknown-service' })
  })

  test('the number of partitions of a channel cannot change', async () => {
    const { pool } = await testDatabase()
    await migrateService(pool, orders)
    await migrateStream(pool, stream)
    const channels = orders.channels.map((channel) => ({ ...channel, partitions: 8 }))
    const expected = { code: 'wrong-configuration', message: expect.stringContaining('has 4 partitions') as string }
    await expect(migrateService(pool, { ...orders, channels })).rejects.toMatchObject(expected)
    await expect(migrateStream(pool, { ...stream, channels })).rejects.toMatchObject(expected)
  })

  test('subscriptions that no contract has any more are named', async () => {
    const { pool } = await testDatabase()
    await migrateService(pool, orders)
    await migrateStream(pool, stream)
    const subscriptions = [{ name: 'orders:other', channel: "quotes' and \\ such" }]
    expect((await migrateService(pool, { ...orders, subscriptions })).stale).toEqual(['orders:orders'])
    expect((await migrateStream(pool, { ...stream, subscriptions })).stale).toEqual(['orders:orders'])
  })

  test('works as an owner that is no superuser', async () => {
    const { superuser, name } = await testDatabase()
    const role = `owner_${name}`
    const admin = new pg.Client(superuser)
    await admin.connect()
    await admin.query(
      `create role ${role} login; alter database ${name} owner to ${role}; revoke create on schema public from public`,
    )
    const address = new URL(superuser)
    address.username = role
    const own = new pg.Pool({ connectionString: address.href })
    try {
      await migrateService(pgDatabase(own), orders)
      await migrateStream(own, stream)
      await checkMigrated(own, 'orders')
      await own.query(`select spandrel.publish('orders', 'orderPlaced', '{}', key => 'k')`)
      const { rows } = await own.query('select address from spandrel_stream.channels where id = 1')
      expect(rows).toEqual([{ address: 'orders' }])
    } finally {
      await own.end()
      await admin.query(`drop owned by ${role} cascade; reassign owned by ${role} to postgres`).catch(() => {})
      await admin.query(`alter database ${name} owner to postgres; drop role ${role}`)
      await admin.end()
    }
  })
})

describe('spandrel.publish', () => {
  const database = testDatabase()
  const publish = async (args: string): Promise<string> => {
    const { pool } = await database
    const { rows } = await pool.query(`select spandrel.publish(${args}) as id`)
    return rows[0].id as string
  }

  test('writes an outbox row with a complete envelope, in the caller’s transaction', async () => {
    const { pool } = await database
    await migrateService(pool, orders)
    const id = await publish(
      `'orders', 'orderPlaced', '{"orderId": "o1"}', key => 'o1', correlationid => 'c1', headers => '{"traceparent": "t"}'`,
    )
    const { rows } = await pool.query(
      'delete from spandrel.outbox returning channel, partitionkey, attributes::json, data::json, validated',
    )
    expect(rows).toEqual([
      {
        channel: 'orders',
        partitionkey: 'o1',
        validated: false,
        data: { orderId: 'o1' },
        attributes: {
          specversion: '1.0',
          id,
          source: '/shop/orders',
          type: 'orderPlaced',
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
          datacontenttype: 'application/json',
          dataschema: 'urn:spandrel:orders:1.0.0',
          partitionkey: 'o1',
          correlationid: 'c1',
          traceparent: 't',
        },
      },
    ])
    const client = await pool.connect()
    await client.query("begin; select spandrel.publish('orders', 'orderPlaced', '{}', 'k'); rollback")
    client.release()
    expect((await pool.query('select 1 from spandrel.outbox')).rowCount).toBe(0)
  })

  test('ids are UUIDs that grow, and one may be given', async () => {
    const first = await publish(`'orders', 'a', '{}', 'k'`)
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(Number.parseInt(first.replaceAll('-', '').slice(0, 12), 16)).toBeGreaterThan(Date.now() - 60_000)
    expect(await publish(`'orders', 'a', '{}', 'k', id => 'mine'`)).toBe('mine')
  })

  test.each([
    ['an unknown channel', `'nowhere', 'a', '{}', 'k'`, /unknown channel 'nowhere'/],
    ['a missing key where the channel is ordered', `'orders', 'a', '{}'`, /is ordered, so a key is needed/],
    ['no data', `'orders', 'a', null, 'k'`, /needs a channel, a type and data/],
    [
      'headers that are core attributes',
      `'orders', 'a', '{}', 'k', headers => '{"id": "x"}'`,
      /not a further CloudEvents attribute: id/,
    ],
    [
      'headers that are no strings',
      `'orders', 'a', '{}', 'k', headers => '{"n": 1}'`,
      /not a further CloudEvents attribute: n/,
    ],
  ])('refuses %s', async (_, args, message) => {
    await expect(publish(args)).rejects.toThrow(message)
  })
})
