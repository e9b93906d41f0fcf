/**
 * A database whose library runs a transaction as a callback and hands out a transaction object of its own: Drizzle,
 * Knex, postgres.js, Prisma, TypeORM. Statements of a handler cannot be seen one by one there. So each message has a
 * transaction of its own (`shares: false`). After its handler the server is asked whether the transaction is sound: it
 * is not where a statement failed, also when the handler swallowed that. After COMMIT it is asked whether that happened.
 *
 * An adapter says how to begin and how to run one statement; the rest is here.
 */
import { SpandrelError } from '../errors.ts'
import { isConnectionLost, sqlState } from './failure.ts'
import type { Database, OpenTransaction, Query, QueryResult } from './database.ts'
import type { Loan } from './loan.ts'
import { pgDatabase } from './pg.ts'
import type { PgPool } from './pg-types.ts'
import { commitUnknown, type Connection, runTransaction } from './run-transaction.ts'
import { StatementQueue } from './statement-queue.ts'
import { terminate } from './terminate-backend.ts'

export interface CallbackDriver<Tx extends object> {
  /**
   * Runs `work` in a transaction, which commits when it resolves and rolls back when it rejects. `lent` is for the
   * handler, where that is another object than the runtime's own.
   */
  begin(work: (tx: Tx, lent?: Tx) => Promise<void>): Promise<unknown>
  /** One statement in `tx`; without it on any connection. Without values it may be several in one text. */
  query(tx: Tx | undefined, sql: string, values: readonly unknown[] | undefined): Promise<QueryResult>
}

export interface DoorbellOptions {
  /** a `pg` pool for doorbells; default: none, so that messages are looked for at intervals only */
  listen?: PgPool
}

/** Of libraries that cannot listen themselves. */
export function doorbellsOf({ listen }: DoorbellOptions): Partial<Doorbells> {
  return listen === undefined ? {} : pgDatabase(listen)
}

/** How hints between processes are heard and sent. */
type Doorbells = Pick<Database, 'listen' | 'notifier'>

/** Without `doorbells` the poll alone is used. */
export function callbackDatabase<Tx extends object>(
  driver: CallbackDriver<Tx>,
  doorbells: Partial<Doorbells> = {},
): Database<Tx> {
  const query = ((sql, values) => driver.query(undefined, sql, values)) as Query
  return {
    ...doorbells,
    shares: false,
    query,
    transaction: <T>(
      work: (open: OpenTransaction<Tx>) => Promise<T>,
      opening?: (open: { cut(): void }) => void,
    ): Promise<T> => {
      const connection = new CallbackConnection(driver, query)
      return runTransaction(connection, (loan) => connection.lend(loan), work, opening)
    },
  }
}

interface Identity {
  pid: unknown
  xid: string
}

const identify = 'select pg_backend_pid() as pid, pg_current_xact_id()::text as xid'

/** Fails in a transaction that is aborted, and outside of one. */
const soundness = 'savepoint spandrel_sound'

class CallbackConnection<Tx extends object> implements Connection {
  readonly pipelined = false
  readonly #driver: CallbackDriver<Tx>
  readonly #elsewhere: Query
  readonly #queue = new StatementQueue()
  /** resolved for COMMIT, rejected for ROLLBACK */
  readonly #end = Promise.withResolvers<void>()
  #tx: Tx | undefined
  #lent: Tx | undefined
  #id: Identity | undefined
  #done: Promise<unknown> = Promise.resolve()
  /** the library gave the transaction up by itself: nothing may reach its connection any more, not even a rollback */
  #over: { error: unknown } | undefined

  constructor(driver: CallbackDriver<Tx>, elsewhere: Query) {
    this.#driver = driver
    this.#elsewhere = elsewhere
    this.#end.promise.catch(() => {})
  }

  async begin(): Promise<void> {
    const begun = Promise.withResolvers<void>()
    this.#done = this.#driver.begin((tx, lent = tx) => {
      this.#tx = tx
      this.#lent = lent
      begun.resolve()
      return this.#end.promise
    })
    this.#done.catch((error: unknown) => {
      this.#over = { error }
      begun.reject(error)
    })
    await begun.promise
    try {
      const { rows } = await this.send(identify, [])
      this.#id = rows[0] as Identity | undefined
    } catch (error) {
      await this.rollback().catch(() => {})
      throw error
    }
  }

  send(sql: string, values: readonly unknown[] | undefined): Promise<QueryResult> {
    return this.#sendIn(this.#tx, sql, values)
  }

  #sendIn(tx: Tx | undefined, sql: string, values: readonly unknown[] | undefined): Promise<QueryResult> {
    return this.#queue.push(async () => {
      if (this.#over !== undefined) throw this.#over.error
      if (tx === undefined) throw new SpandrelError('statement-after-end', 'the transaction has not begun')
      try {
        return await this.#driver.query(tx, sql, values)
      } catch (error) {
        // A library that gives up where its connection is lost says so a moment after its statements.
        if (isConnectionLost(error)) await Promise.race([this.#done.catch(() => {}), new Promise(setImmediate)])
        throw error
      }
    })
  }

  async commit(): Promise<string> {
    this.#end.resolve()
    await this.#done
    // The server answers COMMIT of an aborted transaction with ROLLBACK, which these libraries do not pass on.
    try {
      const { rows } = await this.#elsewhere('select pg_xact_status($1::xid8) as status', [this.#id?.xid])
      return rows[0]?.['status'] === 'committed' ? 'COMMIT' : 'ROLLBACK'
    } catch (cause) {
      throw commitUnknown(cause)
    }
  }

  async rollback(): Promise<void> {
    if (this.#over !== undefined) throw this.#over.error
    const asked = new Error('rolled back')
    this.#end.reject(asked)
    await this.#done.catch((error: unknown) => {
      if (error !== asked) throw error
    })
  }

  /** The library gives the connection back when the callback ends. */
  release(): void {
    if (this.#over === undefined) this.#end.reject(new Error('given back'))
  }

  cut(): void {
    if (this.#id !== undefined) terminate(this.#elsewhere, this.#id.pid)
  }

  /** The library's own transaction object, which is dead after the loan. */
  lend(loan: Loan): Tx {
    loan.soundness(async () => {
      await this.#sendIn(this.#lent, soundness, undefined).catch((error: unknown) => {
        throw unsound(error)
      })
    })
    const live = (): void => {
      if (this.#over !== undefined) throw this.#over.error
      if (!loan.ended) return
      throw new SpandrelError('statement-after-end', 'the transaction was used after its handler had ended', {
        hint: 'await every statement, and everything that issues one, before the handler returns',
      })
    }
    return new Proxy(this.#lent as Tx, {
      get(target, property): unknown {
        // Asked by whatever merely passes the object on.
        if (typeof property === 'string' && property !== 'then') live()
        return Reflect.get(target, property, target)
      },
      apply(target, self, values): unknown {
        live()
        return Reflect.apply(target as (...values: unknown[]) => unknown, self, values)
      },
    })
  }
}

/** What the handler did to its transaction. Nobody's victim, so without a cause: whatever aborted it came from there. */
function unsound(error: unknown): unknown {
  switch (sqlState(error)) {
    case '25P02':
      return new SpandrelError('statement-failed', 'a statement failed, and the handler went on', {
        hint: 'let the error through, or run what may fail in a nested transaction',
      })
    case '25P01':
      return new SpandrelError('statement-failed', 'the handler ended its transaction, which belongs to the runtime', {
        hint: 'return to commit, throw to roll back; savepoints are fine',
      })
    default:
      return error
  }
}
