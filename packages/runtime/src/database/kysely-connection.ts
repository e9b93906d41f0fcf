import {
  CompiledQuery,
  isAbortedTransactionError,
  type Kysely,
  type QueryResult as KyselyResult,
  type Transaction,
} from 'kysely'
import { SpandrelError } from '../errors.ts'
import type { Query, QueryResult } from './database.ts'
import type { Connection } from './run-transaction.ts'
import { StatementQueue } from './statement-queue.ts'
import { ownPid, terminate } from './terminate-backend.ts'

/** Statements of the runtime's own, through Kysely, as they are. */
export function queryOf<DB>(db: Kysely<DB>): Query {
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
export class KyselyConnection<DB> implements Connection {
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
