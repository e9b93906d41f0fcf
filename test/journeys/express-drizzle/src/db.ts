import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'

export const orders = pgTable('orders', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  drink: text().notNull(),
  cups: integer().notNull(),
})

export const pool = new pg.Pool({ connectionString: process.env.ORDERS_DATABASE_URL })
export const db = drizzle({ client: pool })
