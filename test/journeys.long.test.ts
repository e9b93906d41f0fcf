/** The pages of docs/journeys, done as a reader does them (journey.ts), and then held to what they promise. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { nodes, walk } from './journey.ts'
import { testDatabase } from './postgres.ts'

test.each(nodes)('an Express and Drizzle service gets the outbox, on Node %s', { timeout: 180_000 }, async (node) => {
  const database = await testDatabase()
  const schema = fileURLToPath(new URL('journeys/express-drizzle/schema.sql', import.meta.url))
  await database.pool.query(await readFile(schema, 'utf8'))
  const { differing, commands } = await walk('express-drizzle', node, {
    environment: { ORDERS_DATABASE_URL: database.url, SPANDREL_TRANSPORT_URL: database.url },
    ports: { 3000: 'PORT' },
  })
  expect(differing).toEqual([])
  expect(commands).toBe(6)
  const sent = async (): Promise<unknown[]> => (await database.pool.query('select type from spandrel.sent')).rows
  await expect.poll(sent, { timeout: 10_000 }).toEqual([{ type: 'orderPlaced' }])
  const { rows } = await database.pool.query('select drink from orders')
  expect(rows).toEqual([{ drink: 'espresso' }])
  const { rows: stream } = await database.pool.query('select data::json from spandrel_stream.log')
  expect(stream).toEqual([{ data: { orderId: 1, drink: 'espresso' } }])
})

test.each(nodes)(
  'a Nest and Prisma service gets idempotent operations, on Node %s',
  { timeout: 240_000 },
  async (node) => {
    const database = await testDatabase()
    const schema = fileURLToPath(new URL('journeys/nest-prisma/schema.sql', import.meta.url))
    await database.pool.query(await readFile(schema, 'utf8'))
    const journey = await walk('nest-prisma', node, {
      environment: { ORDERS_DATABASE_URL: database.url },
      ports: { 3000: 'PORT' },
    })
    expect(journey.differing).toEqual([])
    expect(journey.commands).toBe(10)
    const order = async (key: string): Promise<unknown[]> => {
      const response = await fetch(`${journey.url(3000)}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ drink: 'lungo' }),
      })
      return [response.status, ((await response.json()) as { drink?: string }).drink]
    }
    const placed = async (): Promise<unknown> =>
      (await database.pool.query('select drink, count(*)::int from orders group by 1 order by 1')).rows

    // Twenty at once are one order, and all of them hear of it.
    const copies = await Promise.all(Array.from({ length: 20 }, () => order('b-1')))
    expect(copies).toEqual(Array.from({ length: 20 }, () => [201, 'lungo']))
    expect(await placed()).toEqual([
      { drink: 'espresso', count: 1 },
      { drink: 'lungo', count: 1 },
    ])

    // Killed while it places an order: neither the order nor its key is there, and the next copy places it.
    const lock = await database.pool.connect()
    await lock.query('begin; lock table orders')
    const cut = order('b-2')
    cut.catch(() => {})
    const waiting = async (): Promise<number | null> =>
      (
        await database.pool.query(
          `select from pg_locks where not granted and relation = 'orders'::regclass and database = (select oid from pg_database where datname = current_database())`,
        )
      ).rowCount
    await expect.poll(waiting, { timeout: 10_000 }).toBe(1)
    await journey.kill('node dist/main.js')
    await expect(cut).rejects.toThrow('fetch failed')
    await lock.query('rollback')
    lock.release()
    await journey.start('node dist/main.js')
    await expect.poll(() => order('b-2'), { timeout: 20_000 }).toEqual([201, 'lungo'])
    expect(await order('b-2')).toEqual([201, 'lungo'])
    expect(await placed()).toEqual([
      { drink: 'espresso', count: 1 },
      { drink: 'lungo', count: 2 },
    ])
  },
)

const hasPython = spawnSync('python3', ['--version']).status === 0

describe.skipIf(!hasPython && process.env['CI'] === undefined)('in Python (needs python3 in PATH)', () => {
  test.each(nodes)(
    'a server gets the gateway in front, and HTTP push, with Node %s',
    { timeout: 180_000 },
    async (node) => {
      const [database, payments] = [await testDatabase(), await testDatabase()]
      await payments.pool.query('create table payments (order_id int not null, cents int not null)')
      const journey = await walk('python-http', node, {
        environment: {
          GATEWAY_DATABASE_URL: database.url,
          ORDERS_DATABASE_URL: database.url,
          PAYMENTS_DATABASE_URL: payments.url,
          SPANDREL_TRANSPORT_URL: database.url,
        },
        ports: { 5000: 'PORT', 8080: 'GATEWAY_PORT', 8081: 'SPANDREL_MANAGEMENT_PORT' },
        sql: payments.pool,
      })
      expect(journey.differing).toEqual([])
      expect(journey.commands).toBe(16)
      const gateway = `${journey.url(8080)}/orders`
      const orders = async (): Promise<{ id: number; drink: string; paid: number }[]> =>
        (await (await fetch(gateway)).json()) as { id: number; drink: string; paid: number }[]
      const order = async (key: string, drink: string): Promise<Response> =>
        fetch(gateway, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: JSON.stringify({ drink }),
        })

      // Twenty at once are one order.
      const copies = await Promise.all(Array.from({ length: 20 }, () => order('b-1', 'lungo')))
      const statuses = new Set(copies.map(({ status }) => status))
      expect(statuses.has(201)).toBe(true)
      expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([])
      expect(await orders()).toEqual([
        { id: 1, drink: 'espresso', paid: 250 },
        { id: 2, drink: 'lungo', paid: 0 },
      ])

      // A gateway that was killed knows what was done.
      await journey.kill('npx spandrel serve gateway')
      await expect(order('b-1', 'lungo')).rejects.toThrow('fetch failed')
      await journey.start('npx spandrel serve gateway')
      const again = await order('b-1', 'lungo')
      expect([again.status, again.headers.get('idempotent-replayed'), await again.json()]).toEqual([
        201,
        'true',
        { id: 2 },
      ])

      // The server has a message and cannot commit, because somebody else writes; then the push is killed.
      const lock = new DatabaseSync(join(journey.folder, 'orders.db'))
      lock.exec('begin immediate')
      for (let cents = 1; cents <= 10; cents++) {
        await payments.pool.query(`select spandrel.publish('shop.payments', 'paymentTaken', $1, key => '2')`, [
          JSON.stringify({ orderId: 2, cents }),
        ])
      }
      const taken = (): string[] => journey.complaints('python3 server.py').match(/payment of \d+ for order 2/g) ?? []
      await expect.poll(taken, { timeout: 10_000 }).toEqual(['payment of 1 for order 2'])
      await journey.kill('npx spandrel serve relay push')
      lock.exec('rollback')
      lock.close()
      await journey.start('npx spandrel serve relay push')
      const paid = async (): Promise<number | undefined> => (await orders())[1]?.paid
      await expect.poll(paid, { timeout: 30_000 }).toBe(55)
      // The first came again: its answer had nobody to go to.
      expect(taken().filter((one) => one === 'payment of 1 for order 2').length).toBeGreaterThan(1)
      expect(new Set(taken()).size).toBe(10)
    },
  )
})
