/**
 * postgres.js as a service's database. `tx` in handlers is the `sql` of a transaction.
 *
 *   const sql = postgres(process.env.DATABASE_URL)
 *   createService(contract, { database: postgresJsDatabase(sql), … })
 */
import { arrayLiteral } from './array-literal.ts'
import { callbackDatabase } from './callback-database.ts'
import type { Database, Joined, Query, QueryResult } from './database.ts'
import { joined } from './joined.ts'
import { doorbells, type PostgresJsDoorbells } from './postgres-js-doorbells.ts'
import { resultOf } from './postgres-js-result.ts'
import { scoped } from './postgres-js-scope.ts'

/** What is needed of a `sql`, structurally. */
export interface PostgresJsQueryable {
  // oxlint-disable-next-line typescript/no-explicit-any -- what it can encode is its own business
  unsafe(text: string, values?: any[], options?: { prepare?: boolean }): PromiseLike<unknown>
}

export interface PostgresJsSql extends PostgresJsQueryable, PostgresJsDoorbells {
  begin: unknown
  readonly options: { readonly prepare: boolean }
}

/** The transaction that `sql.begin` hands to its callback. */
export type PostgresJsTransaction<Sql> = Sql extends {
  begin: { (work: (tx: infer Tx extends object) => unknown): unknown; (options: string, work: never): unknown }
}
  ? Tx
  : PostgresJsQueryable

interface Savepoints<Tx> {
  savepoint(work: (tx: Tx) => Promise<never>): Promise<unknown>
}

/** A `sql` of postgres.js as a database. It stays the caller's: it is not ended here. Doorbells are its own. */
export function postgresJsDatabase<Sql extends PostgresJsSql>(sql: Sql): Database<PostgresJsTransaction<Sql> & object> {
  type Tx = PostgresJsTransaction<Sql> & object
  const begin = sql.begin as (work: (tx: Tx) => Promise<void>) => Promise<unknown>
  return callbackDatabase<Tx>(
    {
      begin: (work) => begin((tx) => scoped(tx, (lent) => (tx as unknown as Savepoints<Tx>).savepoint(lent), work)),
      query: (tx, text, values) =>
        run((tx as PostgresJsQueryable | undefined) ?? sql, text, values, sql.options.prepare),
    },
    doorbells(sql),
  )
}

/** Joins a transaction the caller began: `outbox.send(fromPostgresJs(tx), …)` inside `sql.begin(async (tx) => …)`. */
export function fromPostgresJs(tx: PostgresJsQueryable): Joined {
  const what = { call: 'fromPostgresJs()', pass: 'the `sql` that `sql.begin()` hands to you' }
  return joined(!('begin' in tx), what, ((sql, values) => run(tx, sql, values)) as Query)
}

export async function run(
  sql: PostgresJsQueryable,
  text: string,
  values?: readonly unknown[],
  prepare = false,
): Promise<QueryResult> {
  const encoded = values?.map((value) => (Array.isArray(value) ? arrayLiteral(value) : value))
  return resultOf(await sql.unsafe(text, encoded, { prepare: prepare && values !== undefined }))
}
