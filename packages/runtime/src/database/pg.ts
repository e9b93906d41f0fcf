/**
 * `pg` (node-postgres) as a service's database, structurally: any pool with its shape will do.
 *
 *   const pool = new pg.Pool({ connectionString, pipeline: true })   // pipelining: 1.2–1.7 times the throughput
 *   createService(contract, { database: pgDatabase(pool), … })
 */
import { hearPool } from './connection-errors.ts'
import type { Database, Joined, OpenTransaction } from './database.ts'
import { joined } from './joined.ts'
import { defaultAnswerMs, pgConnection, pooledQuery } from './pg-connection.ts'
import { OwnConnection } from './pg-listener.ts'
import { isInTransaction } from './pg-in-transaction.ts'
import { through } from './pg-statement.ts'
import { lentTransaction, type PgTransaction } from './pg-transaction.ts'
import type { PgPool, PgQueryable } from './pg-types.ts'
import { PreparedNames } from './prepared-names.ts'
import { runTransaction } from './run-transaction.ts'

export type { PgTransaction } from './pg-transaction.ts'
export type { PgPool, PgQueryable, PgResult, PgStatement } from './pg-types.ts'

export interface PgDatabaseOptions {
  /** whether our own statements are prepared; default: not behind a pooler. `true` where that one keeps them (docs) */
  prepare?: boolean
  /**
   * How long a connection may leave a statement of the runtime's own without an answer, in milliseconds, before it is
   * taken for dead and destroyed, and how long the pool is waited for; default 30 s. A network that drops packets
   * closes no connection (FM26).
   */
  answerMs?: number
  /** a pool for doorbells that reaches the server past a pooler, which loses LISTEN; default: the pool itself */
  listen?: PgPool
}

/** A `pg` pool as a database. The pool stays the caller's: it is not closed here. */
export function pgDatabase(pool: PgPool, options: PgDatabaseOptions = {}): Database<PgTransaction> {
  hearPool(pool)
  const names = new PreparedNames(options.prepare)
  const { answerMs = defaultAnswerMs } = options
  return {
    shares: true,
    query: pooledQuery(pool, names, answerMs),
    transaction: async <T>(
      work: (open: OpenTransaction<PgTransaction>) => Promise<T>,
      opening?: (open: { cut(): void }) => void,
    ): Promise<T> => {
      const connection = await pgConnection(pool, names, answerMs)
      return runTransaction(connection, lentTransaction, work, opening)
    },
    async listen(channel, heard) {
      const connection = new OwnConnection(options.listen ?? pool, channel, heard)
      await connection.open()
      return connection
    },
    notifier: (channel) => new OwnConnection(options.listen ?? pool, channel),
  }
}

/**
 * Joins a transaction the caller began on a `pg` client: `outbox.send(fromPg(client), …)`. Throws `wrong-configuration`
 * for a pool, and for a client that has not begun one.
 */
export function fromPg(client: PgQueryable): Joined {
  const what = { call: 'fromPg()', pass: "the client of `await pool.connect()`, after `await client.query('begin')`" }
  return joined(isInTransaction(client), what, through(client))
}
