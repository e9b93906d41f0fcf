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
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  isAbortedTransactionError,
  type Kysely,
  type KyselyProps,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult as KyselyResult,
  Transaction,
} from 'kysely'
import { SpandrelError } from '../errors.ts'
import type { Database, Joined, OpenTransaction, Query, QueryResult } from './database.ts'
import type { Loan } from './loan.ts'
import { pgConnection, pgDatabase } from './pg.ts'
import type { PgPool } from './pg-types.ts'
import { PreparedNames } from './prepared-names.ts'
import { type Connection, runTransaction } from './run-transaction.ts'
import { StatementQueue } from './statement-queue.ts'
import { ownPid, terminate } from './terminate-backend.ts'

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
  const names = new PreparedNames(options.prepare ?? true)
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
  return { query: queryOf(trx.withoutPlugins()) }
}

function queryOf<DB>(db: Kysely<DB>): Query {
  return async <Row>(sql: string, values?: readonly unknown[]): Promise<QueryResult<Row>> =>
    fromKyselyResult(await db.executeQuery(CompiledQuery.raw(sql, [...(values ?? [])]))) as QueryResult<Row>
}

function fromKyselyResult(result: KyselyResult<unknown>): QueryResult {
  const { numAffectedRows } = result
  const rows = result.rows as Record<string, unknown>[]
  // Kysely does not pass the command tag on, but tells changes from reads.
  if (numAffectedRows === undefined) return { rows, rowCount: rows.length, command: 'SELECT' }
  return { rows, rowCount: Number(numAffectedRows) }
}

/** A transaction through Kysely's own driver: any PostgreSQL dialect. */
class KyselyConnection<DB> implements Connection {
  readonly pipelined = false
  readonly #db: Kysely<DB>
  readonly #queue = new StatementQueue()
  #trx: Awaited<ReturnType<ReturnType<Kysely<DB>['startTransaction']>['execute']>> | undefined
  #raw: Transaction<DB> | undefined
  #pid: unknown

  constructor(db: Kysely<DB>) {
    this.#db = db
  }

  async begin(): Promise<void> {
    this.#trx = await this.#db.startTransaction().execute()
    this.#raw = this.#trx.withoutPlugins()
    const { rows } = await this.send(ownPid, [])
    this.#pid = rows[0]?.['pid']
  }

  send(sql: string, values: readonly unknown[] | undefined): Promise<QueryResult> {
    return this.#queue.push(async () => {
      if (this.#raw === undefined) throw new SpandrelError('statement-after-end', 'the transaction has not begun')
      return fromKyselyResult(await this.#raw.executeQuery(CompiledQuery.raw(sql, [...(values ?? [])])))
    })
  }

  commit(): Promise<string> {
    return this.#queue.push(async () => {
      try {
        await this.#trx?.commit().execute()
        return 'COMMIT'
      } catch (error) {
        if (isAbortedTransactionError(error)) return 'ROLLBACK'
        throw error
      }
    })
  }

  rollback(): Promise<void> {
    return this.#queue.push(async () => this.#trx?.rollback().execute())
  }

  release(broken: boolean): void {
    // Kysely gives the connection back with commit and rollback. After a commit that failed it waits for a rollback,
    // and a rollback that fails too makes its driver destroy the connection.
    const trx = this.#trx
    if (broken && trx !== undefined && !trx.isCommitted && !trx.isRolledBack)
      trx
        .rollback()
        .execute()
        .catch(() => {})
  }

  /** The driver offers no way to its socket: another connection asks the server. */
  cut(): void {
    if (this.#pid !== undefined) terminate(queryOf(this.#db.withoutPlugins()), this.#pid)
  }
}

/** A transaction object whose statements all pass through the loan, compiled and transformed as `db` would. */
function lentTransaction<DB>(db: Kysely<DB>, loan: Loan, connection: Connection): Transaction<DB> {
  const guarded: DatabaseConnection = {
    executeQuery: async <R>(query: CompiledQuery): Promise<KyselyResult<R>> =>
      toKyselyResult(await loan.run(query.sql, () => connection.send(query.sql, query.parameters, false))),
    streamQuery<R>(): AsyncIterableIterator<KyselyResult<R>> {
      const refused = new SpandrelError(
        'statement-failed',
        'streamed queries are not supported on a handler’s transaction',
        {
          hint: 'use `execute()`, with a limit',
        },
      )
      loan.refuse(refused).catch(() => {})
      throw refused
    },
  }
  const executor = db.getExecutor().withConnectionProvider({ provideConnection: (consumer) => consumer(guarded) })
  // Only `introspection` looks at the dialect; `destroy` and `transaction` are refused by Transaction itself.
  return new Transaction<DB>({ config: { dialect }, dialect, driver: {} as KyselyProps['driver'], executor })
}

const dialect: Dialect = {
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => {
    throw new SpandrelError('wrong-configuration', 'a handler’s transaction has no driver of its own')
  },
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
}

const counted = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

function toKyselyResult<R>(result: QueryResult): KyselyResult<R> {
  const rows = result.rows as R[]
  const changes = result.rowCount !== null && (result.command === undefined || counted.has(result.command))
  return changes ? { rows, numAffectedRows: BigInt(result.rowCount ?? 0) } : { rows }
}
