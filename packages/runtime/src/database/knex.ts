/**
 * Knex (client `pg`) as a service's database. `tx` in handlers is Knex's transaction.
 *
 *   const db = knex({ client: 'pg', connection: process.env.DATABASE_URL })
 *   createService(contract, { database: knexDatabase(db), … })
 */
import { callbackDatabase, type DoorbellOptions, doorbellsOf } from './callback-database.ts'
import type { Database, Joined, Query, QueryResult } from './database.ts'
import { joined } from './joined.ts'
import { through } from './pg-statement.ts'
import type { PgQueryable } from './pg-types.ts'

/** What is needed of a Knex transaction, structurally. */
export interface KnexTransaction {
  // oxlint-disable-next-line typescript/no-explicit-any -- as Knex declares it
  readonly client: any
}

/** What is needed of Knex, structurally. */
export interface KnexDatabase<Tx> extends KnexTransaction {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
}

export type KnexDatabaseOptions = DoorbellOptions

/** A Knex instance as a database. It stays the caller's: it is not destroyed here. */
export function knexDatabase<Tx extends KnexTransaction>(
  db: KnexDatabase<Tx>,
  options: KnexDatabaseOptions = {},
): Database<Tx> {
  return callbackDatabase<Tx>(
    { begin: (work) => db.transaction(work), query: (tx, sql, values) => run(tx ?? db, sql, values) },
    doorbellsOf(options),
  )
}

/** Joins a transaction the caller began: `outbox.send(fromKnex(trx), …)` inside `db.transaction(async (trx) => …)`. */
export function fromKnex(trx: KnexTransaction): Joined {
  const { isTransaction } = trx as { isTransaction?: boolean }
  const what = { call: 'fromKnex()', pass: 'the `trx` of `db.transaction()`' }
  return joined(isTransaction === true, what, ((sql, values) => run(trx, sql, values)) as Query)
}

interface Client {
  acquireConnection(): Promise<PgQueryable>
  releaseConnection(connection: PgQueryable): Promise<unknown>
}

/** On the driver's own connection, which in a transaction is the transaction's: `raw` has its own idea of `?`. */
async function run(db: KnexTransaction, sql: string, values: readonly unknown[] | undefined): Promise<QueryResult> {
  const client = db.client as Client
  const connection = await client.acquireConnection()
  try {
    return await through(connection)(sql, values)
  } finally {
    await client.releaseConnection(connection)
  }
}
