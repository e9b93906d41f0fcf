/**
 * One transaction on one connection: begin, work, commit or roll back, and the connection given back or destroyed.
 * What is common to all adapters; an adapter supplies the `Connection` and the handlers' own kind of `tx`.
 */
import { SpandrelError } from '../errors.ts'
import type { OpenTransaction, QueryResult } from './database.ts'
import { isCommitUnknown, isConnectionLost, sqlState } from './failure.ts'
import { excerpt, Loan, type Turn } from './loan.ts'
import { statementKind } from './statement-kind.ts'

export interface Connection {
  /** statements go out while earlier ones run; otherwise they queue on this side */
  readonly pipelined: boolean
  begin(): Promise<unknown>
  /**
   * Issues one statement; statements may be issued while others run and happen in the order issued.
   * `own`: one of the runtime's own texts, of which there are few: worth preparing.
   */
  send(sql: string, values: readonly unknown[] | undefined, own: boolean): Promise<QueryResult>
  /** Resolves with the command tag; rejects where nothing was committed or where that is not known. */
  commit(): Promise<string | undefined>
  rollback(): Promise<unknown>
  /** `broken`: it must not be used again. */
  release(broken: boolean): void
  /** Cuts the socket, where the driver allows it. */
  cut(): void
}

export async function runTransaction<Tx, T>(
  connection: Connection,
  makeTx: (loan: Loan, connection: Connection) => Tx,
  work: (open: OpenTransaction<Tx>) => Promise<T>,
  opening?: (open: { cut(): void }) => void,
): Promise<T> {
  const open = new Open(connection, makeTx)
  opening?.(open)
  try {
    // Awaited: were it pipelined and then cancelled, the statements behind it would commit one by one.
    await connection.begin()
  } catch (error) {
    open.finish()
    connection.release(true)
    throw error
  }
  let result: T
  try {
    result = await work(open)
    await open.endLoans()
    await open.issued()
    if (open.failure !== undefined) throw open.failure
  } catch (error) {
    open.finish()
    let broken = true
    try {
      await connection.rollback()
      broken = false
    } catch {
      // Its connection goes, and the server rolls back.
    }
    connection.release(broken)
    throw error
  }
  open.finish()
  let tag: string | undefined
  try {
    tag = await connection.commit()
  } catch (error) {
    connection.release(true)
    throw commitFailure(error)
  }
  connection.release(false)
  if (tag !== 'COMMIT') {
    // The connection is fine, the transaction was aborted by a statement before.
    throw (
      (await open.settledFailure()) ??
      new SpandrelError(
        'statement-failed',
        `COMMIT was answered with ${tag ?? 'no tag'}: the transaction was rolled back`,
      )
    )
  }
  return result
}

class Open<Tx> implements OpenTransaction<Tx> {
  readonly #connection: Connection
  readonly #makeTx: (loan: Loan, connection: Connection) => Tx
  readonly #loans: Loan[] = []
  readonly #turn: Turn = { last: undefined }
  readonly #running = new Set<Promise<unknown>>()
  #finished = false
  #failure: SpandrelError | undefined
  #backend: Promise<number> | undefined

  constructor(connection: Connection, makeTx: (loan: Loan, connection: Connection) => Tx) {
    this.#connection = connection
    this.#makeTx = makeTx
  }

  readonly query = <Row = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> => {
    if (this.#finished) {
      return Promise.reject(
        new SpandrelError(
          'statement-after-end',
          `a statement was issued after its transaction had ended: ${excerpt(sql)}`,
        ),
      )
    }
    const statement = this.#connection.send(sql, values, true) as Promise<QueryResult<Row>>
    this.#running.add(statement)
    statement.then(
      () => {
        this.#running.delete(statement)
        if (statementKind(sql).rollsBackTo) this.#heal()
      },
      (cause: unknown) => {
        this.#running.delete(statement)
        const what = cause instanceof Error ? cause.message : String(cause)
        this.#failure ??= new SpandrelError('statement-failed', `a statement failed: ${what} (${excerpt(sql)})`, {
          cause,
        })
      },
    )
    return statement
  }

  backend(): Promise<number> {
    this.#backend ??= this.query<{ pid: number }>('select pg_backend_pid() as pid').then(({ rows }) => {
      const pid = rows[0]?.pid
      if (pid === undefined) throw new SpandrelError('statement-failed', 'pg_backend_pid() gave no row')
      return pid
    })
    return this.#backend
  }

  lend(options: { alone: boolean }): { tx: Tx; end(): Promise<void> } {
    if (this.#finished) throw new SpandrelError('statement-after-end', 'a transaction that has ended cannot be lent')
    const loan = new Loan({ ...options, turn: this.#turn })
    this.#loans.push(loan)
    return { tx: this.#makeTx(loan, this.#connection), end: () => loan.end() }
  }

  cut(): void {
    this.#connection.cut()
  }

  get failure(): SpandrelError | undefined {
    return this.#failure
  }

  /** The runtime went back to before its handlers: what failed in them is undone. */
  #heal(): void {
    this.#failure = undefined
    for (const loan of this.#loans) loan.heal()
  }

  /** Loans that `work` forgot to end count too. */
  async endLoans(): Promise<void> {
    for (const loan of this.#loans) await loan.end()
  }

  /**
   * A driver may refuse a statement before it reaches the server (values it cannot encode): the transaction would not
   * be aborted by that, and COMMIT would succeed without it. Such a refusal is known within a few turns; statements
   * that are on the wire are not waited for, COMMIT goes right behind them.
   */
  async issued(): Promise<void> {
    if (!this.#connection.pipelined) await Promise.allSettled(this.#running)
    for (let turn = 0; turn < 8 && this.#running.size > 0; turn++) await Promise.resolve()
  }

  async settledFailure(): Promise<SpandrelError | undefined> {
    await Promise.allSettled(this.#running)
    return this.#failure
  }

  /** No more statements, from the runtime or from handlers. */
  finish(): void {
    this.#finished = true
    for (const loan of this.#loans) loan.close()
  }
}

/** An error of the server says that COMMIT did not happen; a lost connection, or one the server closed, does not. */
function commitFailure(cause: unknown): unknown {
  if (isCommitUnknown(cause)) return cause
  const state = sqlState(cause)
  const refused = state !== undefined && !isConnectionLost(cause) && !/^(58|XX|F0)/.test(state)
  if (refused) return cause
  return commitUnknown(cause)
}

/** Nobody knows whether it happened. */
export function commitUnknown(cause: unknown): Error {
  const error = new SpandrelError(
    'statement-failed',
    'the connection was lost during COMMIT: it may or may not have happened',
    {
      hint: 'do it again; its key record tells whether it had happened',
      cause,
    },
  )
  return Object.assign(error, { commitUnknown: true as const })
}
