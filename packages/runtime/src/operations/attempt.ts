/**
 * One attempt of an operation: one transaction with key record, effects and outgoing messages.
 *
 *   begin ─▶ lock ──refused──▶ overlap (or replay, where the record is done by now)
 *              │
 *              └▶ record ──done──▶ replay
 *                    │
 *                    └▶ savepoint ─▶ handler ─┬ < 400 ─────────────▶ messages + record + commit ─▶ answered
 *                                             ├ kept failure ──────▶ back to savepoint, record, commit ─▶ answered
 *                                             └ any other failure ─▶ roll back ─▶ answered, nothing remembered
 *
 * Lock, record and savepoint are one round trip; messages, record, journal and COMMIT another.
 */
import { inTransaction } from '../calls/in-transaction.ts'
import type { OperationContract, ServiceContract } from '../contract/service-contract.ts'
import type { Database, Lent, OpenTransaction } from '../database/database.ts'
import { isTransientFailure, sqlState } from '../database/failure.ts'
import { SpandrelError } from '../errors.ts'
import { faults } from '#faults'
import { journal, type JournalEntry } from '../inbox/journal.ts'
import { SendBuffer, type SendContext, type SendOptions } from '../outbox/buffer.ts'
import { answerFault, render, type HandlerAnswer, type Rendered } from './answer.ts'
import type { Claim } from './key.ts'
import { cutOff, problem } from './problem.ts'
import { untilAborted } from './until-aborted.ts'
import { isKeepable, isRemembered, type KeyRecord, readKey, tryLock, writeRecord } from './records.ts'

export type Ended =
  /**
   * `record`: what copies will get; absent where nothing is remembered. `journalled`: written down with the commit.
   * `failure`: what the handler threw.
   */
  | { how: 'answered'; answer: Rendered; record?: KeyRecord; sent: number; journalled: boolean; failure?: unknown }
  | { how: 'replay'; record: KeyRecord }
  | { how: 'overlap' }

/** What a handler gets of an attempt. */
export interface Tools<Tx> {
  tx: Tx
  send(message: string, data: unknown, options?: SendOptions): string
  note(text: string): void
  signal: AbortSignal
}

export interface Attempt<Tx> {
  readonly contract: ServiceContract
  readonly database: Database<Tx>
  readonly operation: OperationContract
  readonly claim: Claim | undefined
  /** identifies this request in key record, journal and `causationid` */
  readonly id: string
  readonly context: SendContext & { correlationid: string }
  readonly handler: (tools: Tools<Tx>) => Promise<unknown>
  /** aborted when the time is up or the service must stop at once; the handler is then waited for no longer */
  readonly signal: AbortSignal
  readonly maxAnswerBytes: number
  readonly validateAnswers: boolean
  /** what goes into the journal with the commit: none where the caller writes it down later */
  entries(answer: Rendered, notes: readonly string[]): readonly JournalEntry[]
  /** called when this attempt holds the key and its handler is about to run */
  begun(): void
  /** every open transaction, so that a stop can cut it */
  readonly open: Set<OpenTransaction<Tx>>
}

/** Leaves the transaction by rolling it back, with its end already known. */
class Decided extends Error {
  readonly ended: Ended

  constructor(ended: Ended) {
    super('decided')
    this.ended = ended
  }
}

/** How long statements of an operation that ran out of time may go on before their connection is cut. */
export const graceMs = 150

/** Rejects where the database failed: the caller decides by the error whether to run the attempt again. */
export async function runAttempt<Tx>(attempt: Attempt<Tx>): Promise<Ended> {
  const writes: Promise<unknown>[] = []
  let ended: Ended
  const late = new Lateness(attempt.signal)
  try {
    ended = await attempt.database.transaction(async (open) => {
      attempt.open.add(open)
      try {
        return await inside(attempt, open, writes)
      } finally {
        attempt.open.delete(open)
      }
    }, late.watch)
  } catch (error) {
    if (error instanceof Decided) return error.ended
    throw error
  } finally {
    late.end()
  }
  const committed = faults.point('operation.committed')
  if (committed !== undefined) await committed
  return ended
}

/**
 * A database that does not answer holds up every statement, ours before and after the handler too. What is still open a
 * moment after the time is up is cut; during COMMIT that leaves the outcome unknown, and the key record tells it.
 */
class Lateness {
  readonly #signal: AbortSignal
  readonly #up: () => void
  #open: { cut(): void } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    this.#up = () => {
      this.#timer = setTimeout(() => this.#cut(), graceMs)
    }
    if (signal.aborted) this.#up()
    else signal.addEventListener('abort', this.#up, { once: true })
  }

  readonly watch = (open: { cut(): void }): void => {
    this.#open = open
  }

  /** The connection is somebody else's from here on. */
  end(): void {
    this.#signal.removeEventListener('abort', this.#up)
    clearTimeout(this.#timer)
  }

  #cut(): void {
    this.#open?.cut()
  }
}

async function inside<Tx>(attempt: Attempt<Tx>, open: OpenTransaction<Tx>, writes: Promise<unknown>[]): Promise<Ended> {
  const { claim } = attempt
  let overClaim = false
  if (claim !== undefined) {
    const keepsFailures = claim.guarantee.remembers !== 'success'
    const [locked, known] = await Promise.all([
      tryLock(open.query, claim),
      readKey(open.query, claim),
      keepsFailures ? open.query('savepoint spandrel_operation') : undefined,
    ])
    // A done record counts also where the lock was refused: it is another copy being answered, not the first running.
    if (known.done !== undefined) throw new Decided({ how: 'replay', record: known.done })
    if (!locked) throw new Decided({ how: 'overlap' })
    overClaim = known.claimed
  }
  attempt.begun()
  const claimed = faults.point('operation.claimed')
  if (claimed !== undefined) await claimed

  const buffer = new SendBuffer(attempt.contract, attempt.context)
  const notes: string[] = []
  const outcome = await handled(attempt, open, buffer, notes)
  const succeeded = outcome.failure === undefined && outcome.answer.status < 400
  if (!succeeded) {
    buffer.clear()
    if (claim === undefined || !outcome.keepable || !isRemembered(claim, outcome.answer)) {
      throw new Decided({ how: 'answered', answer: outcome.answer, sent: 0, journalled: false, ...failureOf(outcome) })
    }
    await open.query('rollback to savepoint spandrel_operation')
  }
  const point = faults.point('operation.handled')
  if (point !== undefined) await point

  // Not awaited: COMMIT goes right behind them, and fails where one of them does.
  const sent = buffer.size
  if (sent > 0) writes.push(buffer.flush(open.query))
  let record: KeyRecord | undefined
  if (claim !== undefined) {
    const made = writeRecord(open.query, claim, outcome.answer, {
      id: attempt.id,
      correlationid: attempt.context.correlationid,
      overClaim,
    })
    writes.push(made.written)
    record = made.record
  }
  const entries = attempt.entries(outcome.answer, notes)
  if (entries.length > 0) writes.push(journal(open.query, entries))
  for (const write of writes) write.catch(() => {})
  return {
    how: 'answered',
    answer: outcome.answer,
    sent,
    journalled: entries.length > 0,
    ...(record !== undefined && { record }),
    ...failureOf(outcome),
  }
}

interface Outcome {
  answer: Rendered
  /** whether this outcome may stand in a key record at all */
  keepable: boolean
  failure?: unknown
}

function failureOf(outcome: Outcome): { failure?: unknown } {
  return outcome.failure === undefined ? {} : { failure: outcome.failure }
}

/** Runs the handler to its end and judges what came of it. Throws only what makes the whole attempt run again. */
async function handled<Tx>(
  attempt: Attempt<Tx>,
  open: OpenTransaction<Tx>,
  buffer: SendBuffer,
  notes: string[],
): Promise<Outcome> {
  const { operation } = attempt
  const lent = open.lend({ alone: true })
  let over = false
  const tools: Tools<Tx> = {
    tx: lent.tx,
    send: (message, data, options) => {
      if (over)
        throw new SpandrelError(
          'statement-after-end',
          `${message} was sent after the handler of ${operation.operation} had ended`,
        )
      return buffer.send(message, data, options)
    },
    note: (text) => {
      if (notes.length < 20) notes.push(text)
    },
    signal: attempt.signal,
  }
  let returned: unknown
  try {
    returned = await untilAborted(
      inTransaction(operation.operation, () => attempt.handler(tools)),
      attempt.signal,
    )
    over = true
    const answer = render(operation, returned)
    // What a failed answer did is rolled back anyway, also a statement that failed in it.
    if (answer.status < 400) await lent.end()
    else await lent.end().catch(() => {})
    return judged(attempt, returned as HandlerAnswer, answer)
  } catch (failure) {
    over = true
    if (attempt.signal.aborted) {
      await cutWhenStuck(lent, open)
      return { answer: cutOff(operation.operation, attempt.signal), keepable: false, failure }
    }
    // The first statement that failed is the cause; what followed it failed because the transaction was aborted. An
    // error of the database that is no such consequence is the cause itself: a loan may know only that one failed.
    const state = sqlState(failure)
    const cause: unknown = await lent.end().then(
      () => failure,
      (first: unknown) => (state === undefined || state === '25P02' ? first : failure),
    )
    if (isTransientFailure(cause)) throw cause
    const detail =
      failure instanceof SpandrelError && failure.code === 'contract-violation'
        ? 'a message did not fit its contract'
        : 'see the log of the service'
    return { answer: problem('internal-error', `${operation.operation} failed: ${detail}`), keepable: true, failure }
  }
}

function judged<Tx>(attempt: Attempt<Tx>, returned: HandlerAnswer, answer: Rendered): Outcome {
  const { operation, claim } = attempt
  if (attempt.validateAnswers) {
    const fault = answerFault(operation, returned)
    if (fault !== undefined) {
      const failure = new SpandrelError('contract-violation', `the answer of ${operation.operation}: ${fault}`, {
        hint: 'answer what the OpenAPI document declares, or declare what is answered',
      })
      return { answer: problem('answer-invalid', fault), keepable: false, failure }
    }
  }
  if (claim !== undefined && !isKeepable(answer, attempt.maxAnswerBytes)) {
    const detail = `the answer of ${operation.operation} cannot be remembered: at most ${attempt.maxAnswerBytes} bytes of text`
    return {
      answer: problem('answer-too-large', detail),
      keepable: false,
      failure: new SpandrelError('answer-too-large', detail),
    }
  }
  return { answer, keepable: true }
}

/** Statements that go on past the time would keep their locks, the key's among them: their connection is cut. */
async function cutWhenStuck<Tx>(lent: Lent<Tx>, open: OpenTransaction<Tx>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), graceMs)
  })
  const ended = lent.end().then(
    () => 'ended' as const,
    () => 'ended' as const,
  )
  const how = await Promise.race([ended, late])
  clearTimeout(timer)
  if (how === 'late') open.cut()
}
