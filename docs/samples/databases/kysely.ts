import { createOutbox } from '@spandrel/runtime'
import { fromKysely, kyselyDatabase } from '@spandrel/runtime/kysely'
import { type Generated, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { coffee } from '../coffee/coffee.contract.ts'

interface Tables {
  orders: { id: Generated<number>; drink: string }
}
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })

const outbox = createOutbox(coffee, { database: kyselyDatabase(db, { pool }) })
await outbox.relay()

export const order = (drink: string) =>
  db.transaction().execute(async (trx) => {
    const { id } = await trx.insertInto('orders').values({ drink }).returning('id').executeTakeFirstOrThrow()
    await outbox.send(fromKysely(trx), 'coffeeOrdered', { orderId: id, drink })
  })
