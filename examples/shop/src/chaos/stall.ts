import pg from 'pg'
import type { Road, Victim } from '../road/road.ts'

export interface Stall {
  where: 'stream' | 'tables'
  end(): Promise<void>
}

/** What a victim writes when it does its work. */
const TABLES: Readonly<
  Record<Victim, { database: 'orders' | 'payments' | 'inventory' | 'shipping' | 'ledger'; table: string } | undefined>
> = {
  orders: { database: 'orders', table: 'order_history' },
  payments: { database: 'payments', table: 'payments' },
  inventory: { database: 'inventory', table: 'stock_movements' },
  shipping: { database: 'shipping', table: 'shipments' },
  ledger: { database: 'ledger', table: 'bookings' },
  'ledger-push': { database: 'ledger', table: 'bookings' },
  gateway: undefined,
}

/**
 * Lets nobody write to the stream, or to the victim's table, until it ends; readers are not disturbed.
 * Undefined where the victim writes to neither.
 */
export async function stall(road: Road, victim: Victim, where: Stall['where']): Promise<Stall | undefined> {
  const own = TABLES[victim]
  if (own === undefined) return undefined
  const appends = where === 'stream' && own.database !== 'ledger'
  const client = new pg.Client({
    connectionString: appends ? road.databases.stream : road.databases.services[own.database],
    application_name: 'chaos',
  })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  await client.query(`lock table ${appends ? 'spandrel_stream.heads' : own.table} in exclusive mode`)
  return {
    where: appends ? 'stream' : 'tables',
    async end() {
      await client.query('rollback').catch(() => {})
      await client.end().catch(() => {})
    },
  }
}
