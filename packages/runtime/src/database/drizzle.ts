/**
 * Drizzle as a service's database, over node-postgres or postgres.js. `tx` in handlers is Drizzle's transaction, with
 * your schema.
 *
 *   const db = drizzle({ client: pool, schema })
 *   createService(contract, { database: drizzleDatabase(db, { listen: pool }), … })
 */
import { SpandrelError } from '../errors.ts'
import { callbackDatabase, type DoorbellOptions, doorbellsOf } from './callback-database.ts'
import type { Database, Joined } from './database.ts'
import { fromPg, type PgQueryable } from './pg.ts'
import { fromPostgresJs, type PostgresJsQueryable } from './postgres-js.ts'
import { scoped } from './postgres-js-scope.ts'

/** What is needed of a Drizzle database, structurally. */
export interface DrizzleDatabase<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
}

export type DrizzleDatabaseOptions = DoorbellOptions

/** A Drizzle database (node-postgres or postgres.js) as a database. It stays the caller's. */
export function drizzleDatabase<Tx extends object>(
  db: DrizzleDatabase<Tx>,
  options: DrizzleDatabaseOptions = {},
): Database<Tx> {
  // Connections of node-postgres: one that is lost would end the process, between two statements as well as in the
  // moment after it was given back (FM55). So each is listened to from its first transaction on, for good.
  const heard = new WeakSet<object>()
  return callbackDatabase<Tx>(
    {
      begin: (work) =>
        db.transaction(async (tx) => {
          const { client } = sessionOf(tx)
          if ('unsafe' in client) return scoped(tx, (lent) => (tx as DrizzleDatabase<Tx>).transaction(lent), work)
          if (!heard.has(client)) {
            heard.add(client)
            client.on?.('error', () => {})
          }
          return work(tx)
        }),
      query: (tx, sql, values) => fromDrizzle(tx ?? db).query(sql, values),
    },
    doorbellsOf(options),
  )
}

/** Joins a transaction the caller began: `outbox.send(fromDrizzle(tx), …)` inside `db.transaction(async (tx) => …)`. */
export function fromDrizzle(tx: object): Joined {
  const { client } = sessionOf(tx)
  return 'unsafe' in client ? fromPostgresJs(client) : fromPg(client)
}

type Client = PostgresJsQueryable | (PgQueryable & { on?(event: 'error', listener: () => void): unknown })

/** The driver's own connection: Drizzle turns off the driver's decoding of timestamps in what passes through it. */
function sessionOf(tx: object): { client: Client } {
  const { session } = tx as { session?: { client?: Client } }
  const { client } = session ?? {}
  if (client !== undefined && ('unsafe' in client || 'query' in client)) return { client }
  throw new SpandrelError('wrong-configuration', 'this is no Drizzle database over node-postgres or postgres.js', {
    hint: 'make it with drizzle-orm/node-postgres or drizzle-orm/postgres-js',
  })
}
