/**
 * Drizzle as a service's database, over node-postgres or postgres.js. `tx` in handlers is Drizzle's transaction, with
 * your schema.
 *
 *   const db = drizzle({ client: pool, schema })
 *   createService(contract, { database: drizzleDatabase(db, { listen: pool }), … })
 */
import { type CallbackDriver, callbackDatabase, type DoorbellOptions, doorbellsOf } from './callback-database.ts'
import { hearPool } from './connection-errors.ts'
import type { Database, Joined } from './database.ts'
import { notUsable, onOwnConnection, queryOf, sessionOf } from './drizzle-session.ts'
import { joined } from './joined.ts'
import { isInTransaction, isPool } from './pg-in-transaction.ts'
import { scoped } from './postgres-js-scope.ts'

/** What is needed of a Drizzle database, structurally. */
export interface DrizzleDatabase<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
}

export type DrizzleDatabaseOptions = DoorbellOptions

/**
 * A Drizzle database (a pool of node-postgres, or postgres.js) as a database. It stays the caller's. Throws
 * `wrong-configuration` for one over a single client: its transactions would run into each other.
 */
export function drizzleDatabase<Tx extends object>(
  db: DrizzleDatabase<Tx>,
  options: DrizzleDatabaseOptions = {},
): Database<Tx> {
  const session = sessionOf<Tx>(db)
  const { client } = session
  const query: CallbackDriver<Tx>['query'] = (tx, sql, values) => queryOf(tx ?? db)(sql, values)
  const doorbells = doorbellsOf(options)
  if ('unsafe' in client) {
    const begin: CallbackDriver<Tx>['begin'] = (work) =>
      db.transaction((tx) => scoped(tx, (lent) => (tx as DrizzleDatabase<Tx>).transaction(lent), work))
    return callbackDatabase<Tx>({ begin, query }, doorbells)
  }
  if (!isPool(client)) throw notUsable('this Drizzle database has one connection, which no transaction has to itself')
  hearPool(client)
  return callbackDatabase<Tx>({ begin: (work) => onOwnConnection(session, client, work), query }, doorbells)
}

/** Joins a transaction the caller began: `outbox.send(fromDrizzle(tx), …)` inside `db.transaction(async (tx) => …)`. */
export function fromDrizzle(tx: object): Joined {
  const { client } = sessionOf(tx)
  const what = { call: 'fromDrizzle()', pass: 'the `tx` of `db.transaction()`' }
  return joined('unsafe' in client ? !('begin' in client) : isInTransaction(client), what, queryOf(tx))
}
