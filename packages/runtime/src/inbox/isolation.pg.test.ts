/** Handlers that share a transaction must not notice it. */
import { afterEach, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { Cleanup, feed, message, migrateFor, rows, runConsumer, testContract, until } from '../../test/consuming.ts'
import { openTransport } from '../transport/open.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

test('FM51: messages of different keys that lock, count and take never take more than there is', async () => {
  const database = await testDatabase()
  const { pool } = database
  const contract = testContract()
  await migrateFor(pool, [contract])
  await pool.query(`
    create table shelf (sku text primary key);
    insert into shelf values ('kettle');
    create table movements (quantity int not null, message text);
    insert into movements values (10, null)`)
  const transport = cleanup.add(await openTransport(database.url))
  // All there before the consumer starts: they come in large batches.
  await feed(
    transport,
    Array.from({ length: 200 }, (_, n) => message(n, { key: `k${n}` })),
  )
  cleanup.add(
    await runConsumer(database.url, contract, {
      async thing({ id }, { tx }) {
        await tx.query("select 1 from shelf where sku = 'kettle' for update")
        const { rows: counted } = await tx.query<{ left: number }>('select sum(quantity)::int as left from movements')
        const taken = (counted[0]?.left ?? 0) > 0 ? 1 : 0
        await tx.query('insert into movements values ($1, $2)', [-taken, id])
      },
    }),
  )
  const count = (): Promise<{ n: number; left: number }> =>
    rows<{ n: number; left: number }>(
      pool,
      'select (count(*) - 1)::int as n, sum(quantity)::int as left from movements',
    ).then(([row]) => row ?? { n: 0, left: 0 })
  await until(count, ({ n }) => n === 200)
  expect((await count()).left, 'what is left of ten, after 200 asked for one').toBe(0)
})

test('FM51: handlers that only insert go on sharing a transaction, awaited one by one or not', async () => {
  const database = await testDatabase()
  const { pool } = database
  const contract = testContract()
  await migrateFor(pool, [contract])
  await pool.query('create table lines (message text)')
  const transport = cleanup.add(await openTransport(database.url))
  await feed(
    transport,
    Array.from({ length: 200 }, (_, n) => message(n, { key: `k${n}` })),
  )
  cleanup.add(
    await runConsumer(database.url, contract, {
      async thing({ id }, { tx }) {
        await tx.query('insert into lines values ($1)', [id])
        await tx.query('insert into lines values ($1)', [id])
      },
    }),
  )
  const transactions = (): Promise<{ lines: number; transactions: number }> =>
    rows<{ lines: number; transactions: number }>(
      pool,
      'select count(*)::int as lines, count(distinct xmin::text)::int as transactions from lines',
    ).then(([row]) => row ?? { lines: 0, transactions: 0 })
  const { transactions: count } = await until(transactions, ({ lines }) => lines === 400)
  expect(count).toBeLessThan(50)
})
