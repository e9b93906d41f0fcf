/**
 * A transaction handle lent to one handler: every statement goes through `run`, so that none is lost sight of.
 *
 *   open ──end()──▶ ending (statements still running) ──▶ ended: fine | failed
 *
 * From the moment `end` is called nothing more is accepted. A failure is remembered even if the handler swallowed the
 * error, because the whole transaction is aborted by then; only a `rollback to savepoint` that succeeded heals it.
 */
import { SpandrelError } from '../errors.ts'
import { statementKind } from './statement-kind.ts'

/** Which loan of a transaction issued the last statement. */
export interface Turn {
  last: Loan | undefined
}

/**
 * Handlers that share a transaction run beside each other, and row locks keep nobody apart in one transaction: two that
 * each lock a product, count its stock and take some would both count the same shelf (FM51; seen: two kettles sold
 * that did not exist). So the statements of one handler have to stand together. Where another's came in between, only
 * plain inserts may follow plain inserts, whose order does not matter; anything else is handled again alone, where
 * locks mean what they say.
 */
const plainInsert = /^\s*insert\b(?![\s\S]*\b(?:select|conflict|with)\b)/i

export class Loan {
  readonly #alone: boolean
  readonly #turn: Turn
  #issued = 0
  #onlyInserts = true
  readonly #running = new Set<Promise<unknown>>()
  #ended = false
  #isSound: (() => Promise<void>) | undefined
  #failure: SpandrelError | undefined
  #refused: SpandrelError | undefined

  constructor(options: { alone: boolean; turn?: Turn }) {
    this.#alone = options.alone
    this.#turn = options.turn ?? { last: undefined }
  }

  /** Issues one statement by `send`, unless it may not run here. */
  run<R>(sql: string, send: () => Promise<R>): Promise<R> {
    if (this.#ended) {
      return rejected(
        new SpandrelError(
          'statement-after-end',
          `a statement was issued after its handler had ended: ${excerpt(sql)}`,
          {
            hint: 'await every statement, and everything that issues one, before the handler returns',
          },
        ),
      )
    }
    const kind = statementKind(sql)
    if (!this.#alone && !kind.plain) {
      return this.refuse(
        new SpandrelError(
          'shared-transaction-refused',
          `${kind.word} cannot run in a transaction shared with other messages`,
          {
            hint: 'nothing to do: the message is handled again in a transaction of its own',
          },
        ),
      )
    }
    this.#onlyInserts &&= plainInsert.test(sql)
    if (!this.#alone && this.#issued > 0 && this.#turn.last !== this && !this.#onlyInserts) {
      return this.refuse(
        new SpandrelError(
          'shared-transaction-refused',
          `a statement came after another handler’s, in a transaction shared with it: ${excerpt(sql)}`,
          { hint: 'nothing to do: the message is handled again in a transaction of its own' },
        ),
      )
    }
    this.#issued++
    this.#turn.last = this
    if (kind.endsTransaction) {
      return this.refuse(
        new SpandrelError('statement-failed', `${kind.word} in a handler: the transaction belongs to the runtime`, {
          hint: 'return to commit, throw to roll back; savepoints are fine',
        }),
      )
    }
    const statement = send().then(
      (result) => {
        if (kind.rollsBackTo) this.#failure = undefined
        return result
      },
      (cause: unknown) => {
        const what = cause instanceof Error ? cause.message : String(cause)
        this.#failure ??= new SpandrelError('statement-failed', `a statement failed: ${what} (${excerpt(sql)})`, {
          cause,
        })
        throw cause
      },
    )
    this.#running.add(statement)
    const settled = (): void => {
      this.#running.delete(statement)
    }
    // Also marks a rejection as seen: a statement nobody awaited must not end the process; it fails the loan.
    statement.then(settled, settled)
    return statement
  }

  /** Remembers that the handler tried what it may not; that cannot be healed. */
  refuse(error: SpandrelError): Promise<never> {
    this.#refused ??= error
    return rejected(error)
  }

  /** The whole loan was rolled back by the runtime, to a savepoint from before it. */
  heal(): void {
    this.#failure = undefined
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Asked once at the end, where statements do not come through `run`: rejects where one has failed. */
  soundness(check: () => Promise<void>): void {
    this.#isSound = check
  }

  /** No more statements from now on. */
  close(): void {
    this.#ended = true
  }

  /** See `Lent.end`. Idempotent. */
  async end(): Promise<void> {
    this.close()
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    const check = this.#isSound
    this.#isSound = undefined
    await check?.().catch((error: unknown) => (this.#failure = error as SpandrelError))
    const failure = this.#refused ?? this.#failure
    if (failure !== undefined) throw failure
  }
}

/** A rejection that does not end the process where nobody looks at it. */
function rejected(reason: Error): Promise<never> {
  const refusal = Promise.reject(reason)
  refusal.catch(() => {})
  return refusal
}

/** The beginning of a statement, without its literals: they may hold what does not belong in a log. */
export function excerpt(sql: string): string {
  const text = sql.slice(0, 400).replaceAll(/\s+/g, ' ').split("'", 1)[0]?.trim() ?? ''
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
