import { createOutbox } from '@spandrel/runtime'
import { drizzleDatabase, fromDrizzle } from '@spandrel/runtime/drizzle'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { coffee } from '../coffee/coffee.contract.ts'

const orders = pgTable('orders', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  drink: text().notNull(),
})
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const db = drizzle({ client: pool })

const outbox = createOutbox(coffee, { database: drizzleDatabase(db, { listen: pool }) })
await outbox.relay()

export const order = (drink: string) =>
  db.transaction(async (tx) => {
    const [row] = await tx.insert(orders).values({ drink }).returning()
    await outbox.send(fromDrizzle(tx), 'coffeeOrdered', { orderId: row!.id, drink })
  })
