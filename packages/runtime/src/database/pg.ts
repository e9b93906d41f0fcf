/**
 * `pg` (node-postgres) as a service's database, structurally: any pool with its shape will do.
 *
 *   const pool = new pg.Pool({ connectionString, pipeline: true })   // pipelining: 1.2–1.7 times the throughput
 *   createService(contract, { database: pgDatabase(pool), … })
 */
import { SpandrelError } from '../errors.ts'
import type { Database, Joined, OpenTransaction, Query, QueryResult } from './database.ts'
import type { Loan } from './loan.ts'
import { cancelStatement } from './pg-cancel.ts'
import { OwnConnection } from './pg-listener.ts'
import type { PgPool, PgPoolClient, PgQueryable, PgResult, PgStatement } from './pg-types.ts'
import { PreparedNames } from './prepared-names.ts'
import { type Connection, runTransaction } from './run-transaction.ts'
import { StatementQueue } from './statement-queue.ts'

export type { PgPool, PgQueryable, PgResult, PgStatement } from './pg-types.ts'

/**
 * What a handler gets as `tx`: `query` of a `pg` client. Statements that do not depend on each other need not be
 * awaited one by one; all of them have settled before the transaction commits, and one that failed rolls it back.
 */
export interface PgTransaction {
  query<Row = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<PgResult<Row>>
  query<Row = Record<string, unknown>>(statement: PgStatement): Promise<PgResult<Row>>
}

export interface PgDatabaseOptions {
  /**
   * Whether the runtime's own statements are prepared by name. Default: true; turned off by itself behind a pooler
   * that cannot prepare, at the cost of one failed statement.
   */
  prepare?: boolean
  /**
   * How long a connection may leave a statement of the runtime's own without an answer, in milliseconds, before it is
   * taken for dead and destroyed, and how long the pool is waited for; default 30 s. A network that drops packets
   * closes no connection (FM26).
   */
  answerMs?: number
}

const defaultAnswerMs = 30_000

/** A `pg` pool as a database. The pool stays the caller's: it is not closed here. */
export function pgDatabase(pool: PgPool, options: PgDatabaseOptions = {}): Database<PgTransaction> {
  // Without a listener, a connection that the server ends would end the process: while it is idle, and in the moment
  // between being opened and being taken (FM55).
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const names = new PreparedNames(options.prepare ?? true)
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
      const connection = new OwnConnection(pool, channel, heard)
      await connection.open()
      return connection
    },
    notifier: (channel) => new OwnConnection(pool, channel),
  }
}

/** Joins a transaction the caller began on a `pg` client: `outbox.send(fromPg(client), …)`. */
export function fromPg(client: PgQueryable): Joined {
  return {
    query: async <Row>(sql: string, values?: readonly unknown[]): Promise<QueryResult<Row>> =>
      single(await client.query(statement(sql, values, undefined))) as QueryResult<Row>,
  }
}

/** A statement of the runtime's own, on any connection of the pool. One that failed takes its connection with it. */
function pooledQuery(pool: PgPool, names: PreparedNames, answerMs: number): Query {
  return async <Row>(sql: string, values?: readonly unknown[]): Promise<QueryResult<Row>> => {
    const client = await acquire(pool, answerMs)
    let failed = true
    try {
      const result = await client.query({ ...statement(sql, values, names.of(sql)), query_timeout: answerMs })
      failed = false
      return single(result) as QueryResult<Row>
    } catch (error) {
      names.saw(error)
      throw error
    } finally {
      client.release(failed)
    }
  }
}

/**
 * A connection of the pool, within `limitMs`. A pool without a limit of its own waits for ever for a connection whose
 * server, or what stands before it, has accepted it and says nothing (FM56).
 */
async function acquire(pool: PgPool, limitMs: number): Promise<PgPoolClient> {
  const wanted = pool.connect()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), limitMs)
  })
  // Also where the pool refuses: a timer that is left would keep a process from ending.
  const client = await Promise.race([wanted, late]).finally(() => clearTimeout(timer))
  if (client !== 'late') return client
  wanted.then(
    (unwanted) => unwanted.release(),
    () => {},
  )
  throw Object.assign(new Error(`the pool gave no connection within ${limitMs} ms`), { code: 'ETIMEDOUT' })
}

function statement(text: string, values: readonly unknown[] | undefined, name: string | undefined): PgStatement {
  const made: PgStatement = { text }
  if (values !== undefined) made.values = values as unknown[]
  // Without values it may be several statements, which cannot be prepared.
  if (name !== undefined && values !== undefined) made.name = name
  return made
}

/** Several statements in one text are answered with an array. */
function single(result: PgResult | PgResult[]): PgResult {
  return Array.isArray(result) ? (result.at(-1) as PgResult) : result
}

/** A connection of the pool for one transaction. */
export async function pgConnection(
  pool: PgPool,
  names: PreparedNames,
  answerMs = defaultAnswerMs,
): Promise<Connection & PgSender> {
  return new PgConnection(await acquire(pool, answerMs), names, answerMs)
}

export interface PgSender {
  /** A handler's own statement, as the driver takes it. */
  issue(statement: PgStatement): Promise<PgResult | PgResult[]>
}

class PgConnection implements Connection, PgSender {
  readonly pipelined: boolean
  readonly #client: PgPoolClient
  readonly #names: PreparedNames
  readonly #answerMs: number
  readonly #queue = new StatementQueue()
  readonly #onError = (): void => {
    this.#lost = true
  }
  #gathering = false
  #lost = false
  #released = false

  constructor(client: PgPoolClient, names: PreparedNames, answerMs: number) {
    this.#client = client
    this.#names = names
    this.#answerMs = answerMs
    this.pipelined = (client as { pipeline?: boolean }).pipeline === true
    // A connection that is lost between statements says so here; the next statement fails.
    client.on('error', this.#onError)
  }

  issue(what: PgStatement): Promise<PgResult | PgResult[]> {
    if (!this.pipelined) return this.#queue.push(() => this.#client.query(what))
    this.#gather()
    return this.#client.query(what)
  }

  /** What is issued in one turn goes out in one write: the system call costs more than most statements. */
  #gather(): void {
    const { connection } = this.#client as { connection?: { stream?: { cork?: () => void; uncork?: () => void } } }
    const stream = connection?.stream
    if (this.#gathering || stream?.cork === undefined) return
    this.#gathering = true
    stream.cork()
    process.nextTick(() => {
      this.#gathering = false
      stream.uncork?.()
    })
  }

  begin(): Promise<unknown> {
    return this.issue({ text: 'begin', query_timeout: this.#answerMs })
  }

  async send(sql: string, values: readonly unknown[] | undefined, own: boolean): Promise<QueryResult> {
    try {
      return single(await this.issue(statement(sql, values, own ? this.#names.of(sql) : undefined)))
    } catch (error) {
      this.#names.saw(error)
      throw error
    }
  }

  async commit(): Promise<string | undefined> {
    return single(await this.issue({ text: 'commit' })).command
  }

  rollback(): Promise<unknown> {
    return this.issue({ text: 'rollback' })
  }

  release(broken: boolean): void {
    if (this.#released) return
    this.#released = true
    this.#client.removeListener('error', this.#onError)
    this.#client.release(broken || this.#lost)
  }

  cut(): void {
    // A server looks at its socket only between statements: one that runs would go on and keep its locks.
    cancelStatement(this.#client)
    const { connection } = this.#client as { connection?: { stream?: { destroy?: () => void } } }
    if (connection?.stream?.destroy !== undefined) connection.stream.destroy()
    else this.release(true)
  }
}

function lentTransaction(loan: Loan, connection: Connection): PgTransaction {
  const sender = connection as Connection & PgSender
  return {
    query<Row>(what: string | PgStatement, values?: readonly unknown[]): Promise<PgResult<Row>> {
      const refusal = unfit(what, values, arguments.length)
      if (refusal !== undefined) return loan.refuse(refusal)
      const made = typeof what === 'string' ? statement(what, values, undefined) : what
      return loan.run(made.text, () => sender.issue(made)) as Promise<PgResult<Row>>
    },
  }
}

/** Cursors, streams and callbacks keep a statement open where nobody can see its end. */
function unfit(what: unknown, values: unknown, count: number): SpandrelError | undefined {
  const submittable = typeof what === 'object' && what !== null && 'submit' in what
  if (submittable || typeof values === 'function' || count > 2) {
    return new SpandrelError(
      'statement-failed',
      'cursors, query streams and callbacks are not supported on a handler’s transaction',
      {
        hint: 'use `await tx.query(text, values)`',
      },
    )
  }
  if (typeof what !== 'string' && typeof (what as PgStatement | undefined)?.text !== 'string') {
    return new SpandrelError('statement-failed', '`tx.query` needs a SQL text, or an object with `text`')
  }
  return undefined
}
