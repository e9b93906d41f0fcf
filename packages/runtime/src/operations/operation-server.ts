/**
 * Serves the HTTP operations of a contract on raw `node:http`.
 *
 * A request: route → parse and validate → claim of its key → (copies.ts: overlap) → replay, or `before` → attempt.ts
 * (one transaction) → answer, always after the commit. Nothing that has begun is cancelled by a client that goes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { OperationContract, ServiceContract } from '../contract/service-contract.ts'
import type { Database, OpenTransaction } from '../database/database.ts'
import { isCommitUnknown, sqlState } from '../database/failure.ts'
import { faults } from '#faults'
import type { JournalEntry } from '../inbox/journal.ts'
import type { Logger } from '../service/loop.ts'
import type { Counter, Metrics } from '../service/metrics.ts'
import type { Caller } from '../calls/call.ts'
import { claimForAllToSee } from './any-record.ts'
import { type Ended, runAttempt, type Tools } from './attempt.ts'
import { type Rendered, write } from './answer.ts'
import { Copies } from './copies.ts'
import { type Identify, identityFrom } from './identity.ts'
import { JournalWriter } from './journal-writer.ts'
import { type Claim, claimOf } from './key.ts'
import { failedBefore } from './before.ts'
import { problem, Refused, Stopping } from './problem.ts'
import { type KeyRecord, readRecord } from './records.ts'
import { type ParsedRequest, parseRequest, refuseFaults } from './request.ts'
import { CORRELATION_HEADER, requestContext, type RequestContext } from './request-context.ts'
import { createRouter } from './router.ts'
import { untilAborted } from './until-aborted.ts'

/** A handler without its types: what the map of handlers holds at run time. */
export type RawHandler = RawHandle | { before?: RawBefore | undefined; handle?: RawHandle | undefined }
type RawHandle = (input: object, context: object) => Promise<unknown>
type RawBefore = (input: object, context: object) => unknown

export interface OperationServerOptions<Tx> {
  contract: ServiceContract
  database: Database<Tx>
  handlers: Readonly<Record<string, RawHandler>>
  caller: Caller
  logger: Logger
  metrics: Metrics
  /** called after a commit that wrote messages */
  onCommitted: () => void
  journal: JournalWriter
  trustCaller?: boolean
  identify?: Identify | undefined
  /** default 1 MiB */
  maxBodyBytes?: number
  /** the largest answer a key record keeps; default 1 MiB */
  maxAnswerBytes?: number
  /** how many requests may wait for a copy of theirs; default 1000 */
  maxWaiting?: number
  /** answers are checked against the contract; default false */
  validateAnswers?: boolean
  /** the time of an operation whose contract names none; default 30 s */
  timeoutMs?: number
}

export interface OperationServer {
  /** Answers one request. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** requests that are being answered */
  readonly inFlight: number
  /** No new requests (503); resolves when those in flight are answered, or cuts them off at the deadline. */
  stop(options: { deadlineMs: number }): Promise<void>
}

const defaultTimeoutMs = 30_000
const mostTries = 5

interface Running {
  readonly operation: OperationContract
  readonly parsed: ParsedRequest
  readonly context: RequestContext
  readonly claim: Claim | undefined
  readonly caller: string | undefined
  readonly signal: AbortSignal
  readonly method: string
  readonly startedAt: number
}

export function createOperationServer<Tx>(options: OperationServerOptions<Tx>): OperationServer {
  return new Server(options)
}

class Server<Tx> implements OperationServer {
  readonly #options: OperationServerOptions<Tx>
  readonly #router
  readonly #identify: Identify
  readonly #copies: Copies
  readonly #open = new Set<OpenTransaction<Tx>>()
  readonly #aborts = new Set<AbortController>()
  readonly #idle: (() => void)[] = []
  readonly #counters: { requests: Counter; replays: Counter; overlaps: Counter; reruns: Counter }
  #inFlight = 0
  #stopping = false

  constructor(options: OperationServerOptions<Tx>) {
    this.#options = options
    this.#router = createRouter(Object.values<OperationContract>(options.contract.operations))
    this.#identify = identityFrom({ trustCaller: options.trustCaller ?? false, identify: options.identify })
    this.#copies = new Copies({ maxWaiting: options.maxWaiting ?? 1000 })
    const { metrics } = options
    this.#counters = {
      requests: metrics.counter('spandrel_requests_total', 'HTTP requests, by operation and status'),
      replays: metrics.counter('spandrel_replayed_answers_total', 'Copies that got the remembered answer'),
      overlaps: metrics.counter('spandrel_overlaps_total', 'Copies refused while the first was running'),
      reruns: metrics.counter(
        'spandrel_operation_reruns_total',
        'Attempts run again after a serialization failure, a deadlock or an unknown commit',
      ),
    }
    metrics.gauge('spandrel_requests_in_flight', 'HTTP requests being answered', () => [[{}, this.#inFlight]])
    metrics.gauge('spandrel_requests_waiting', 'Copies that wait for the first of their key', () => [
      [{}, this.#copies.waiting],
    ])
  }

  get inFlight(): number {
    return this.#inFlight
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inFlight++
    try {
      await this.#handle(request, response)
    } catch (error) {
      this.#options.logger.error({ error }, 'a request could not be answered')
      response.destroy()
    } finally {
      this.#inFlight--
      if (this.#inFlight === 0) for (const wake of this.#idle.splice(0)) wake()
    }
  }

  async stop({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    this.#stopping = true
    if (this.#inFlight === 0) return
    const idle = new Promise<'idle'>((resolve) => this.#idle.push(() => resolve('idle')))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), deadlineMs)
    })
    const how = await Promise.race([idle, late])
    clearTimeout(timer)
    if (how === 'idle') return
    this.#options.logger.warn(
      { inFlight: this.#inFlight },
      'requests were cut off: they did not end within the time to stop',
    )
    // The database first: what is not committed now never will be, and no answer can say otherwise.
    for (const open of this.#open) {
      try {
        open.cut()
      } catch {
        // This driver cannot; the process ends with the connection soon.
      }
    }
    for (const abort of this.#aborts) abort.abort(new Stopping('the service stops'))
    await Promise.race([idle, pause(1000)])
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const now = Date.now()
    const method = request.method ?? 'GET'
    const url = request.url ?? '/'
    const at = url.indexOf('?')
    const path = at < 0 ? url : url.slice(0, at)
    const routed = this.#router.route(method, path)
    const { operation } = routed.found ?? {}
    const timeoutMs = operation?.guarantees.timeoutMs ?? this.#options.timeoutMs ?? defaultTimeoutMs
    const context = requestContext(request.headers, now, timeoutMs)
    const more: Record<string, string> = { [CORRELATION_HEADER]: context.correlationid }
    if (operation !== undefined) Object.assign(more, deprecation(operation))
    let answer: Rendered
    if (this.#stopping) {
      answer = problem('stopping', 'try again, at another instance', { headers: { 'retry-after': '1' } })
    } else if (routed.found === undefined) {
      answer = notRouted(method, path, routed.allow)
    } else {
      answer = await this.#answer(request, response, routed.found, {
        method,
        path,
        search: at < 0 ? '' : url.slice(at + 1),
        context,
        now,
      })
    }
    if (this.#stopping) more['connection'] = 'close'
    this.#counters.requests.add({ operation: operation?.operation ?? 'unknown', status: String(answer.status) })
    await write(response, answer, more, { head: method === 'HEAD' })
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    route: { operation: OperationContract; params: Readonly<Record<string, string>> },
    at: { method: string; path: string; search: string; context: RequestContext; now: number },
  ): Promise<Rendered> {
    const { operation } = route
    const { context } = at
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(new Error('the time is up')), context.deadline - at.now)
    this.#aborts.add(abort)
    try {
      const identity = await this.#identify(request)
      const { parsed, faults: found } = await parseRequest(request, operation, route.params, at.search, {
        maxBodyBytes: this.#options.maxBodyBytes ?? 1024 * 1024,
      })
      const claim = faults.mutant('keys-off')
        ? undefined
        : claimOf(
            this.#options.contract.service,
            operation,
            { ...parsed, method: at.method, path: at.path, rawHeaders: request.headers },
            identity,
          )
      refuseFaults(found)
      const running: Running = {
        operation,
        parsed,
        context,
        claim,
        caller: identity.caller,
        signal: abort.signal,
        method: at.method,
        startedAt: at.now,
      }
      return this.#conclude(running, await this.#run(running, response))
    } catch (error) {
      if (error instanceof Refused) return error.answer
      if (request.destroyed && !request.complete) return problem('request-timeout', 'the request did not arrive')
      this.#options.logger.error(
        { error, operation: operation.operation, correlationid: context.correlationid },
        'an operation failed',
      )
      return problem('internal-error', `${operation.operation} failed: see the log of the service`)
    } finally {
      clearTimeout(timer)
      this.#aborts.delete(abort)
    }
  }

  /** Runs a request once, or finds what its key's first request was answered. */
  #run(running: Running, response: ServerResponse): Promise<Ended> {
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
          const record = await readRecord(this.#options.database.query, claim)
          if (record !== undefined) return { how: 'replay', record }
        }
        try {
          const { before } = handler
          const begun = async (): Promise<unknown> => before(input, this.#beforeContext(running))
          prepared = { value: await untilAborted(begun(), running.signal) }
        } catch (failure) {
          return {
            how: 'answered',
            answer: failedBefore(running.operation.operation, failure, running.signal),
            sent: 0,
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
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    return this.#copies.run(claim, running.context.deadline, gone.signal, first)
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
          entries: (answer, notes) => this.#entries(running, answer, notes),
          open: this.#open,
        })
        if (ended.how === 'replay' && ended.record.attempt === context.id) {
          // The commit we did not hear of had happened.
          return { how: 'answered', answer: ended.record.answer, record: ended.record, sent: 1 }
        }
        // After an unknown commit the lock may still be held by our own lost transaction.
        if (!unknown || ended.how !== 'overlap') return ended
      } catch (error) {
        failure = error
        unknown ||= isCommitUnknown(error)
      }
      const again = failure === undefined || isWorthAnotherTry(failure, claim !== undefined && unknown)
      const ms = Math.min(1000, 10 * 2 ** tries) * Math.random()
      if (!again || (!unknown && tries >= mostTries) || Date.now() + ms >= context.deadline) {
        return { how: 'answered', answer: notCarriedOut(operation.operation, unknown), sent: 0, failure }
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
        if (ended.record === undefined && ended.answer.status >= 400) this.#note(running, ended.answer)
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

  /** An outcome that was rolled back is told outside its transaction. */
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

/** The function that runs in the transaction: the handler, its `handle`, or what its `before` returned. */
function handleOf(handler: RawHandler, prepared: unknown): RawHandle {
  if (typeof handler === 'function') return handler
  if (handler.handle !== undefined) return handler.handle.bind(handler)
  if (typeof prepared === 'function')
    return (_, context) => (prepared as (context: object) => Promise<unknown>)(context)
  throw new TypeError('a handler without `handle` must return one from `before`')
}

function isWorthAnotherTry(error: unknown, recordTells: boolean): boolean {
  const state = sqlState(error)
  return state === '40001' || state === '40P01' || recordTells
}

function notCarriedOut(name: string, unknown: boolean): Rendered {
  const headers = { 'retry-after': '1' }
  if (unknown) return problem('outcome-unknown', `the database did not say whether ${name} was committed`, { headers })
  return problem('unavailable', `${name} could not be carried out: the database broke it off`, { headers })
}

function notRouted(method: string, path: string, allow: readonly string[]): Rendered {
  if (allow.length === 0) return problem('not-found', `there is no ${path.slice(0, 200)}`)
  const headers = { allow: allow.join(', ') }
  if (method === 'OPTIONS') return { status: 204, headers, body: undefined }
  return problem('method-not-allowed', `${path.slice(0, 200)} has ${allow.join(', ')}`, { headers })
}

function deprecation(operation: OperationContract): Record<string, string> {
  const headers: Record<string, string> = {}
  // RFC 9745 wants a date; a contract says only that it is so. The epoch means "has been for long".
  if (operation.deprecated === true) headers['deprecation'] = '@0'
  if (operation.sunset !== undefined) {
    const date = new Date(operation.sunset)
    if (!Number.isNaN(date.getTime())) headers['sunset'] = date.toUTCString()
  }
  return headers
}
