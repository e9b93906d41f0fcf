/**
 * Kysely as a service's database. `tx` in handlers is a `Transaction<DB>` of your own type, with your plugins.
 *
 *   createService(contract, { database: kyselyDatabase(db, { pool }), … })
 *
 * With the `pg` pool that `db` itself uses, statements are pipelined and prepared and doorbells are heard. Without it
 * everything works through Kysely's own driver, one statement at a time; and that driver listens to no errors of a
 * connection in use, so that one lost between two statements ends the process unless your pool does
 * `pool.on('connect', (client) => client.on('error', …))`.
 */
import type { Kysely, Transaction } from 'kysely'
import type { Database, Joined, OpenTransaction } from './database.ts'
import { joined } from './joined.ts'
import { KyselyConnection, queryOf } from './kysely-connection.ts'
import { lentTransaction } from './kysely-transaction.ts'
import type { Loan } from './loan.ts'
import { pgDatabase } from './pg.ts'
import { pgConnection } from './pg-connection.ts'
import type { PgPool } from './pg-types.ts'
import { PreparedNames } from './prepared-names.ts'
import { type Connection, runTransaction } from './run-transaction.ts'

export interface KyselyDatabaseOptions {
  /** the `pg` pool that `db` uses: pipelined statements (with `pipeline: true`), prepared names, doorbells */
  pool?: PgPool
  /** a `pg` pool for doorbells only; default: `pool` */
  listen?: PgPool
  /** see `pgDatabase`; only with `pool` */
  prepare?: boolean
  /** see `pgDatabase`; only with `pool` */
  answerMs?: number
}

/** A Kysely instance (PostgreSQL dialect) as a database. It stays the caller's: it is not destroyed here. */
export function kyselyDatabase<DB>(db: Kysely<DB>, options: KyselyDatabaseOptions = {}): Database<Transaction<DB>> {
  const { pool } = options
  const names = new PreparedNames(options.prepare)
  const makeTx = (loan: Loan, connection: Connection): Transaction<DB> => lentTransaction(db, loan, connection)
  const hints = options.listen ?? pool
  const base: Database<Transaction<DB>> = {
    shares: true,
    query: pool === undefined ? queryOf(db.withoutPlugins()) : pgDatabase(pool, options).query,
    transaction: async <T>(
      work: (open: OpenTransaction<Transaction<DB>>) => Promise<T>,
      opening?: (open: { cut(): void }) => void,
    ): Promise<T> => {
      const connection =
        pool === undefined ? new KyselyConnection(db) : await pgConnection(pool, names, options.answerMs)
      return runTransaction(connection, makeTx, work, opening)
    },
  }
  if (hints === undefined) return base
  return { ...pgDatabase(hints), ...base }
}

/** Joins a transaction the caller began with Kysely: `outbox.send(fromKysely(trx), …)`. */
export function fromKysely<DB>(trx: Transaction<DB>): Joined {
  const what = { call: 'fromKysely()', pass: 'the `trx` of `db.transaction()`' }
  return joined(trx.isTransaction, what, queryOf(trx.withoutPlugins()))
}
