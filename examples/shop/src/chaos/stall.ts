import pg from 'pg'
import type { ServiceName } from '../road/databases.ts'
import { type Road, serviceOf, type Victim } from '../road/road.ts'

export interface Stall {
  where: 'stream' | 'tables'
  end(): Promise<void>
}

/** What a service writes when it does its work. */
const TABLES: Readonly<Record<ServiceName, string>> = {
  orders: 'order_history',
  payments: 'payments',
  inventory: 'stock_movements',
  shipping: 'shipments',
  ledger: 'bookings',
}

/**
 * Lets nobody write to the stream, or to the victim's table, until it ends; readers are not disturbed.
 * Undefined where the victim writes to neither.
 */
export async function stall(road: Road, victim: Victim, where: Stall['where']): Promise<Stall | undefined> {
  const service = serviceOf(victim)
  if (service === undefined) return undefined
  const appends = where === 'stream' && service !== 'ledger'
  const client = new pg.Client({
    connectionString: appends ? road.databases.stream : road.databases.services[service],
    application_name: 'chaos',
  })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  await client.query(`lock table ${appends ? 'spandrel_stream.heads' : TABLES[service]} in exclusive mode`)
  return {
    where: appends ? 'stream' : 'tables',
    async end() {
      await client.query('rollback').catch(() => {})
      await client.end().catch(() => {})
    },
  }
}
