/**
 * Serves the HTTP operations of a contract on raw `node:http`.
 *
 * A request: route → parse and validate → claim of its key → operation-runner.ts (replay, refusal, or one transaction)
 * → answer, always after the commit. Nothing that has begun is cancelled by a client that goes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { faults } from '#faults'
import type { OperationContract } from '../contract/service-contract.ts'
import type { Counter } from '../service/metrics.ts'
import { type Rendered, write } from './answer.ts'
import { type Identify, identityFrom } from './identity.ts'
import { claimOf } from './key.ts'
import { OperationRunner, type RunnerOptions } from './operation-runner.ts'
import { graceMs } from './attempt.ts'
import { cutOff, problem, Refused, Stopping } from './problem.ts'
import { parseRequest, refuseFaults } from './request.ts'
import { CORRELATION_HEADER, requestContext, type RequestContext } from './request-context.ts'
import { createRouter, type Router } from './router.ts'

export interface OperationServerOptions<Tx> extends RunnerOptions<Tx> {
  trustCaller?: boolean
  callerSecret?: string
  identify?: Identify | undefined
  /** default 1 MiB */
  maxBodyBytes?: number
  /** the time of an operation whose contract names none; default 30 s */
  timeoutMs?: number
}

export interface OperationServer {
  /** Answers one request. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** The same where the contract has an operation for it; undefined, and nothing is touched, where it has none. */
  handleKnown(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined
  /** requests that are being answered */
  readonly inFlight: number
  /** No new requests (503); resolves when those in flight are answered, or cuts them off at the deadline. */
  stop(options: { deadlineMs: number }): Promise<void>
}

const defaultTimeoutMs = 30_000

export function createOperationServer<Tx>(options: OperationServerOptions<Tx>): OperationServer {
  return new Server(options)
}

/** Where a request goes. */
interface Target {
  readonly method: string
  readonly path: string
  /** without the `?` */
  readonly search: string
  readonly routed: ReturnType<Router['route']>
}

class Server<Tx> implements OperationServer {
  readonly #options: OperationServerOptions<Tx>
  readonly #router: Router
  readonly #identify: Identify
  readonly #runner: OperationRunner<Tx>
  readonly #aborts = new Set<AbortController>()
  readonly #idle: (() => void)[] = []
  readonly #requests: Counter
  #inFlight = 0
  #stopping = false

  constructor(options: OperationServerOptions<Tx>) {
    this.#options = options
    this.#router = createRouter(Object.values<OperationContract>(options.contract.operations))
    this.#identify = identityFrom({
      service: options.contract.service,
      trustCaller: options.trustCaller ?? false,
      callerSecret: options.callerSecret,
      identify: options.identify,
    })
    this.#runner = new OperationRunner(options)
    const { metrics } = options
    this.#requests = metrics.counter('spandrel_requests_total', 'HTTP requests, by operation and status')
    metrics.gauge('spandrel_requests_in_flight', 'HTTP requests being answered', () => [[{}, this.#inFlight]])
  }

  get inFlight(): number {
    return this.#inFlight
  }

  handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return this.#handle(request, response, this.#target(request))
  }

  handleKnown(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const target = this.#target(request)
    return target.routed.found === undefined ? undefined : this.#handle(request, response, target)
  }

  #target({ method = 'GET', url = '/' }: IncomingMessage): Target {
    const at = url.indexOf('?')
    const path = at < 0 ? url : url.slice(0, at)
    return { method, path, search: at < 0 ? '' : url.slice(at + 1), routed: this.#router.route(method, path) }
  }

  async #handle(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    this.#inFlight++
    try {
      await this.#respond(request, response, target)
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
    this.#runner.cut()
    for (const abort of this.#aborts) abort.abort(new Stopping('the service stops'))
    await Promise.race([idle, pause(1000)])
  }

  async #respond(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const now = Date.now()
    const { method, path, search, routed } = target
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
        search,
        context,
        now,
      })
    }
    if (this.#stopping) more['connection'] = 'close'
    this.#requests.add({ operation: operation?.operation ?? 'unknown', status: String(answer.status) })
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
      const gone = new AbortController()
      // With a reason of its own: one that `abort` makes up costs a stack trace.
      response.once('close', () => gone.abort('gone'))
      const answered = this.#runner.run({
        operation,
        parsed,
        context,
        claim,
        caller: identity.caller,
        signal: abort.signal,
        gone: gone.signal,
        method: at.method,
        startedAt: at.now,
      })
      return await inTime(answered, operation.operation, abort.signal)
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
}

/**
 * The answer, or a refusal a moment after the time was up. Not everything can be cut off (a connection that is still
 * being opened); what goes on is over when its database answers or is given up, and its key record tells how it ended.
 */
async function inTime(answered: Promise<Rendered>, name: string, signal: AbortSignal): Promise<Rendered> {
  const { promise: late, resolve } = Promise.withResolvers<Rendered>()
  let timer: NodeJS.Timeout | undefined
  const up = (): void => {
    timer = setTimeout(() => resolve(cutOff(name, signal)), graceMs + 50)
  }
  if (signal.aborted) up()
  else signal.addEventListener('abort', up, { once: true })
  try {
    return await Promise.race([answered, late])
  } finally {
    signal.removeEventListener('abort', up)
    clearTimeout(timer)
    answered.catch(() => {})
  }
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
