import { type Generated, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

export interface ShippingDatabase {
  shipments: {
    seq: Generated<string>
    order_id: string
    what: 'booked' | 'refused'
    tracking_code: string | null
    at: Generated<Date>
  }
}

export const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  application_name: 'shipping',
  max: 10,
  pipeline: true,
})

export const db = new Kysely<ShippingDatabase>({ dialect: new PostgresDialect({ pool }) })
