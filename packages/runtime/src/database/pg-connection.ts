/** A connection of a `pg` pool: for one statement, or for one transaction. */
import { hearErrors } from './connection-errors.ts'
import type { Query, QueryResult } from './database.ts'
import { cancelStatement } from './pg-cancel.ts'
import { single, statement } from './pg-statement.ts'
import type { PgPool, PgPoolClient, PgResult, PgStatement } from './pg-types.ts'
import type { PreparedNames } from './prepared-names.ts'
import type { Connection } from './run-transaction.ts'
import { StatementQueue } from './statement-queue.ts'

export const defaultAnswerMs = 30_000
/** How long a cut waits for the other side to have dealt with the cancellation. */
const cancelMs = 200

/** A statement of the runtime's own, on any connection of the pool. One that failed takes its connection with it. */
export function pooledQuery(pool: PgPool, names: PreparedNames, answerMs: number): Query {
  return async <Row>(sql: string, values?: readonly unknown[]): Promise<QueryResult<Row>> => {
    const client = await acquire(pool, answerMs)
    let failed = true
    try {
      await names.meet(client, answerMs)
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
export async function acquire(pool: PgPool, limitMs: number): Promise<PgPoolClient> {
  const wanted = pool.connect()
  const client = await within(limitMs, wanted)
  if (client !== 'late') {
    hearErrors(client)
    return client
  }
  wanted.then(
    (unwanted) => unwanted.release(),
    () => {},
  )
  throw Object.assign(new Error(`the pool gave no connection within ${limitMs} ms`), { code: 'ETIMEDOUT' })
}

async function within<T>(ms: number, work: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  // Also where the work fails: a timer that is left would keep a process from ending.
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** A connection of the pool for one transaction. */
export async function pgConnection(
  pool: PgPool,
  names: PreparedNames,
  answerMs = defaultAnswerMs,
): Promise<Connection & PgSender> {
  const client = await acquire(pool, answerMs)
  try {
    await names.meet(client, answerMs)
  } catch (error) {
    client.release(true)
    throw error
  }
  return new PgConnection(client, names, answerMs)
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
  /** done when the other side has dealt with the cancellation */
  #cutting: Promise<void> | undefined
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
    if (this.#cutting !== undefined) return Promise.reject(new Error('Connection terminated: it was cut'))
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
    // A connection that the pool closes too early is one that nothing can be cancelled on.
    if (this.#cutting === undefined) this.#client.release(broken || this.#lost)
    else void this.#cutting.then(() => this.#client.release(true))
  }

  /**
   * A server looks at its socket only between statements: one that runs would go on and keep its locks, so it is asked
   * to give that up. Before the socket goes: a pooler knows by it what to cancel. Nothing passes it any more meanwhile.
   */
  cut(): void {
    if (this.#cutting !== undefined || this.#released) return
    const { connection } = this.#client as { connection?: { stream?: { destroy?(): void; pause?(): void } } }
    const stream = connection?.stream
    stream?.pause?.()
    this.#cutting = within(cancelMs, cancelStatement(this.#client)).then(() => stream?.destroy?.())
    if (stream?.destroy === undefined) this.release(true)
  }
}
