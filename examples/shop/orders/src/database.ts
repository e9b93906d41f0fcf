import { type Generated, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

export interface OrdersDatabase {
  orders: {
    order_id: string
    reference: string
    sku: string
    quantity: number
    total: number
    currency: string
    placed_at: Generated<Date>
  }
  order_history: {
    seq: Generated<string>
    order_id: string
    what: What
    detail: string | null
    at: Generated<Date>
  }
}

export type What = 'placed' | 'booked' | 'completed' | 'rejected' | 'stock-released' | 'payment-refunded'

export const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  application_name: 'orders',
  max: 10,
  pipeline: true,
})

export const db = new Kysely<OrdersDatabase>({ dialect: new PostgresDialect({ pool }) })
