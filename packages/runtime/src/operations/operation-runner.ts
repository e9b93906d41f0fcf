/**
 * Carries out one validated request: once for its key, or a replay, or a refusal.
 *
 *   replay ◀──done── record, where there is a `before` ──▶ before ──▶ attempts ──▶ answer
 *                                                                      ▲   │ 40001, 40P01, unknown commit
 *                                                                      └───┘
 */
import { setTimeout as pause } from 'node:timers/promises'
import { faults } from '#faults'
import type { Caller } from '../calls/call.ts'
import type { OperationContract, ServiceContract } from '../contract/service-contract.ts'
import type { Database, OpenTransaction } from '../database/database.ts'
import { isCommitUnknown, isTransientFailure, sqlState } from '../database/failure.ts'
import type { JournalEntry } from '../inbox/journal.ts'
import type { Logger } from '../service/loop.ts'
import type { Counter, Metrics } from '../service/metrics.ts'
import type { Rendered } from './answer.ts'
import { claimForAllToSee } from './any-record.ts'
import { type Ended, runAttempt, type Tools } from './attempt.ts'
import { failedBefore } from './before.ts'
import { Copies } from './copies.ts'
import type { JournalWriter } from './journal-writer.ts'
import type { Claim } from './key.ts'
import { cutOff, problem } from './problem.ts'
import { handleOf, type RawHandle, type RawHandler } from './raw-handler.ts'
import { type KeyRecord, readKey } from './records.ts'
import type { ParsedRequest } from './request.ts'
import type { RequestContext } from './request-context.ts'
import { untilAborted } from './until-aborted.ts'

export interface RunnerOptions<Tx> {
  contract: ServiceContract
  database: Database<Tx>
  handlers: Readonly<Record<string, RawHandler>>
  caller: Caller
  logger: Logger
  metrics: Metrics
  /** called after a commit that wrote messages */
  onCommitted: () => void
  journal: JournalWriter
  /** the largest answer a key record keeps; default 1 MiB */
  maxAnswerBytes?: number
  /** how many requests may wait for a copy of theirs; default 1000 */
  maxWaiting?: number
  /** answers are checked against the contract; default false */
  validateAnswers?: boolean
}

export interface Running {
  readonly operation: OperationContract
  readonly parsed: ParsedRequest
  readonly context: RequestContext
  readonly claim: Claim | undefined
  readonly caller: string | undefined
  /** aborted when the time is up or the service must stop at once */
  readonly signal: AbortSignal
  /** aborted when the client is gone: that ends a wait, and nothing that has begun */
  readonly gone: AbortSignal
  readonly method: string
  readonly startedAt: number
}

const mostTries = 5

export class OperationRunner<Tx> {
  readonly #options: RunnerOptions<Tx>
  readonly #copies: Copies
  readonly #open = new Set<OpenTransaction<Tx>>()
  readonly #counters: { replays: Counter; overlaps: Counter; reruns: Counter }

  constructor(options: RunnerOptions<Tx>) {
    this.#options = options
    this.#copies = new Copies({ maxWaiting: options.maxWaiting ?? 1000 })
    const { metrics } = options
    this.#counters = {
      replays: metrics.counter('spandrel_replayed_answers_total', 'Copies that got the remembered answer'),
      overlaps: metrics.counter('spandrel_overlaps_total', 'Copies refused while the first was running'),
      reruns: metrics.counter(
        'spandrel_operation_reruns_total',
        'Attempts run again after a serialization failure, a deadlock or an unknown commit',
      ),
    }
    metrics.gauge('spandrel_requests_waiting', 'Copies that wait for the first of their key', () => [
      [{}, this.#copies.waiting],
    ])
  }

  async run(running: Running): Promise<Rendered> {
    return this.#conclude(running, await this.#ended(running))
  }

  /** Cuts every open transaction: what is not committed now never will be. */
  cut(): void {
    for (const open of this.#open) open.cut()
  }

  /** Runs a request once, or finds what its key's first request was answered. */
  #ended(running: Running): Promise<Ended> {
    const { claim } = running
    const handler = this.#options.handlers[running.operation.operation]
    if (handler === undefined) throw new Error(`no handler for ${running.operation.operation}`)
    const input = {
      params: running.parsed.params,
      query: running.parsed.query,
      headers: running.parsed.headers,
      body: running.parsed.body,
      caller: running.caller,
    }
    let prepared: { value: unknown } | undefined
    const first = async (begun: () => void): Promise<Ended> => {
      if (typeof handler !== 'function' && handler.before !== undefined && prepared === undefined) {
        if (claim !== undefined) {
          const { done: record } = await readKey(this.#options.database.query, claim)
          if (record !== undefined) return { how: 'replay', record }
        }
        try {
          prepared = { value: await untilAborted(this.#prepared(handler, input, running), running.signal) }
        } catch (failure) {
          return {
            how: 'answered',
            answer: failedBefore(running.operation.operation, failure, running.signal),
            sent: 0,
            journalled: false,
            failure,
          }
        }
      }
      const handle = handleOf(handler, prepared?.value)
      return this.#attempts(running, begun, (tools) =>
        handle(
          { ...input, prepared: prepared?.value },
          { ...tools, log: this.#options.logger, correlationid: running.context.correlationid },
        ),
      )
    }
    if (claim === undefined) return first(() => {})
    return this.#copies.run(claim, running.context.deadline, running.gone, first)
  }

  async #prepared(handler: Exclude<RawHandler, RawHandle>, input: object, running: Running): Promise<unknown> {
    return handler.before?.(input, this.#beforeContext(running))
  }

  /** Attempts until one ends by itself: what the database broke off is run again from the record on. */
  async #attempts(
    running: Running,
    begun: () => void,
    handler: (tools: Tools<Tx>) => Promise<unknown>,
  ): Promise<Ended> {
    const { claim, context, operation } = running
    if (claim !== undefined && faults.mutant('any-record-suppresses')) {
      const record = await claimForAllToSee(this.#options.database.query, claim)
      if (record !== undefined) return { how: 'replay', record }
    }
    let unknown = false
    for (let tries = 1; ; tries++) {
      let failure: unknown
      try {
        const ended = await runAttempt({
          contract: this.#options.contract,
          database: this.#options.database,
          operation,
          claim,
          id: context.id,
          context: {
            correlationid: context.correlationid,
            causationid: context.id,
            traceparent: context.traceparent,
            ...(context.tracestate !== undefined && { tracestate: context.tracestate }),
          },
          handler,
          signal: running.signal,
          maxAnswerBytes: this.#options.maxAnswerBytes ?? 1024 * 1024,
          validateAnswers: this.#options.validateAnswers ?? false,
          begun,
          entries: (answer, notes) => (notes.length === 0 ? [] : this.#entries(running, answer, notes)),
          open: this.#open,
        })
        if (ended.how === 'replay' && ended.record.attempt === context.id) {
          // The commit we did not hear of had happened.
          return { how: 'answered', answer: ended.record.answer, record: ended.record, sent: 1, journalled: false }
        }
        // After an unknown commit the lock may still be held by our own lost transaction.
        if (!unknown || ended.how !== 'overlap') return ended
      } catch (error) {
        failure = error
        unknown ||= isCommitUnknown(error)
      }
      const again = failure === undefined || isWorthAnotherTry(failure, claim !== undefined && unknown)
      const ms = Math.min(1000, 10 * 2 ** tries) * Math.random()
      const over = running.signal.aborted || Date.now() + ms >= context.deadline
      if (!again || over || (!unknown && tries >= mostTries)) {
        const late = running.signal.aborted && !unknown
        const answer = late
          ? cutOff(operation.operation, running.signal)
          : notCarriedOut(operation.operation, unknown, failure)
        return { how: 'answered', answer, sent: 0, journalled: false, failure }
      }
      this.#counters.reruns.add({ operation: operation.operation })
      await pause(ms)
    }
  }

  /** The answer of a request that has ended, and everything to be told about it. */
  #conclude(running: Running, ended: Ended): Rendered {
    const { operation, context, claim } = running
    const name = operation.operation
    switch (ended.how) {
      case 'answered':
        if (ended.sent > 0) this.#options.onCommitted()
        if (ended.failure !== undefined) {
          const fields = {
            error: ended.failure,
            operation: name,
            status: ended.answer.status,
            correlationid: context.correlationid,
          }
          this.#options.logger.error(fields, 'an operation failed')
        }
        if (!ended.journalled) this.#note(running, ended.answer)
        return ended.answer
      case 'replay':
        return this.#replay(running, ended.record)
      case 'overlap':
        this.#counters.overlaps.add({ operation: name })
        this.#options.journal.write({
          kind: 'overlap',
          operation: name,
          correlationid: context.correlationid,
          messageId: context.id,
          detail: { key: claim?.key },
        })
        return problem('overlap', `a request with this key is being handled by ${name}; ask again`, {
          headers: { 'retry-after': '1' },
        })
    }
  }

  #replay(running: Running, record: KeyRecord): Rendered {
    const { operation, context, claim } = running
    const name = operation.operation
    const mismatch = claim !== undefined && record.fingerprint !== claim.fingerprint
    const entry = {
      operation: name,
      correlationid: record.correlationid ?? context.correlationid,
      messageId: context.id,
      // the request that was carried out
      causationid: record.attempt,
      detail: { key: claim?.key, correlationid: context.correlationid, status: record.answer.status },
    }
    if (mismatch && claim.guarantee.onMismatch === 'reject') {
      this.#options.journal.write({ kind: 'key-reuse', ...entry })
      return problem(
        'key-reuse',
        `the key was used before with another request to ${name}; use a fresh key for a new request`,
      )
    }
    this.#counters.replays.add({ operation: name })
    this.#options.journal.write({ kind: 'replayed-answer', ...entry })
    return { ...record.answer, headers: { ...record.answer.headers, 'idempotent-replayed': 'true' } }
  }

  #entries(running: Running, answer: Rendered, notes: readonly string[]): readonly JournalEntry[] {
    // Reads leave no trace of their own: they have no effects to explain.
    if (running.method === 'GET' || running.method === 'HEAD') return []
    const common = {
      correlationid: running.context.correlationid,
      operation: running.operation.operation,
      messageId: running.context.id,
      source: this.#options.contract.source,
    }
    const ms = Date.now() - running.startedAt
    const answered: JournalEntry = {
      kind: 'answered',
      ...common,
      detail: { status: answer.status, ms, ...(running.claim !== undefined && { key: running.claim.key }) },
    }
    return [...notes.map((why): JournalEntry => ({ kind: 'note', ...common, why })), answered]
  }

  /** Told outside the transaction: what had no notes, and what was rolled back. */
  #note(running: Running, answer: Rendered): void {
    for (const entry of this.#entries(running, answer, [])) this.#options.journal.write(entry)
  }

  #beforeContext(running: Running): object {
    const { context, claim } = running
    return {
      call: this.#options.caller.within({
        correlationid: context.correlationid,
        causationid: context.id,
        traceparent: context.traceparent,
        tracestate: context.tracestate,
        deadline: context.deadline,
        signal: running.signal,
        seed: claim === undefined ? undefined : `${this.#options.contract.service}\0${claim.id}`,
      }),
      signal: running.signal,
      log: this.#options.logger,
      correlationid: context.correlationid,
    }
  }
}

function isWorthAnotherTry(error: unknown, recordTells: boolean): boolean {
  const state = sqlState(error)
  return state === '40001' || state === '40P01' || recordTells
}

function notCarriedOut(name: string, unknown: boolean, failure: unknown): Rendered {
  const headers = { 'retry-after': '1' }
  if (unknown) return problem('outcome-unknown', `the database did not say whether ${name} was committed`, { headers })
  if (!isTransientFailure(failure)) return problem('internal-error', `${name} failed: see the log of the service`)
  return problem('unavailable', `${name} could not be carried out: the database broke it off`, { headers })
}
