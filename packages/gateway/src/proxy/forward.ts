/**
 * The service's side of an exchange: an undici dispatch handler. States:
 *
 *   waiting    for a connection; nothing has been sent: any instance may still be asked, whatever the method
 *   sent       the request, or a part of it, has gone; a failure now leaves open whether it had an effect
 *   answering  the head of the answer is here
 *   over
 *
 *   pausing    before a further attempt; an answer that is not passed on is read to its end
 *
 * waiting → waiting: the instance refused the connection, the next one is asked
 * waiting → pausing: all instances refused it, and the contract has `retry`
 * sent → pausing: the exchange broke before an answer, or the answer has a status that `retry` names, and a copy is
 *                 harmless by contract (natural or keyed) and still at hand (no streamed body)
 * pausing → waiting: as often, as late and as long as retry-rule.ts, the time of the request and retry-budget.ts allow
 * sent → over: broken (502), or no head in time (504, and the connection is cut)
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { FailureKind } from '../management/metrics.ts'
import { pauseBefore, retriesStatus, retryAfter, saysDown } from '@spandrel/runtime/operate'
import { Problem } from '../problem.ts'
import type { Route } from '../routes/route.ts'
import { tooLarge } from '../validation/request-check.ts'
import { isOurFault, showsUp } from './attempt-failure.ts'
import { answerFault } from './message-rules.ts'
import { brokenProblem, goneProblem, openProblem, unreachableProblem } from './refusals.ts'
import { withRemaining } from './request-timeout.ts'
import type { Admitted, Instance } from './service-pool.ts'

/** Why a request is sent again: no instance took the connection, the exchange broke, the status of the answer. */
export type RetryReason = 'refused' | 'broken' | 'status'

/** The client's side, as the service's side needs it. */
export interface Client {
  /** it has gone: nobody reads the answer */
  readonly left: boolean
  /** The request begins to go to the service: its body is wanted now. */
  connected(): void
  /** Writes the head of the answer. */
  head(status: number, headers: IncomingHttpHeaders): void
  /** Writes a part of the body; false: wait for `Forward.resume`. */
  write(chunk: Buffer): boolean
  /** The service speaks another protocol from here on, on its socket. A fault: it is not taken. */
  upgraded(status: number, headers: IncomingHttpHeaders, service: Duplex): string | undefined
  /** The answer is whole; what came after its body. */
  end(trailers: IncomingHttpHeaders): void
  /** The answer broke off: the client must see that it is not whole. */
  cut(): void
  /** Refuses, where nothing has been answered. */
  answer(problem: Problem): void
  /** An attempt failed: for log and metrics. */
  failed(kind: FailureKind, error: Error): void
  /** One more attempt is made, after a pause; `elsewhere`: at once, as nothing of this one had gone. */
  repeated(why: RetryReason | 'elsewhere', waitMs?: number): void
  /** A further attempt would have been made, had there not been so many before. */
  withheld(): void
  /** It is refused at once: all instances failed too often just before. */
  leftAlone(): void
  /** The service's side is over. Called once. */
  over(): void
}

export interface Sending {
  readonly route: Route
  readonly method: string
  /** path and query as received */
  readonly target: string
  /** name, value, name, value … */
  readonly headers: string[]
  readonly body: Buffer | Readable | null
  /** of a streamed body */
  readonly limit: number
  /** a copy of this request has no second effect */
  readonly repeatable: boolean
  readonly timeoutMs: number
  /** the caller waits shorter than the contract says */
  readonly hurried: boolean
  /** a WebSocket is asked for */
  readonly upgrade: boolean
  /** an answer without end may be silent for so long */
  readonly idleMs: number
}

/** An answer that nobody reads is read to its end up to this size, and for this long: the connection stays usable. */
const discardBytes = 1024 * 1024
const discardMs = 10_000
/** Of an answer that is asked for again: a larger one costs its connection. */
const droppedBytes = 64 * 1024

export class Forward implements Dispatcher.DispatchHandler {
  readonly #client: Client
  readonly #sending: Sending
  #controller: Dispatcher.DispatchController | undefined
  #instance: Instance | undefined
  #tried: Set<Instance> | undefined
  /** by the breaker of the instance, which is still to be told what the attempt has shown */
  #admitted: Admitted | undefined
  #sentAt = 0
  /** something of the request has gone, in this attempt or in any */
  #sent = false
  #everSent = false
  /** the first included; an instance that refused the connection is passed over within one */
  #attempts = 1
  #deadline = 0
  /** it has just failed: others are asked first */
  #avoid: Instance | undefined
  #pause: NodeJS.Timeout | undefined
  /** of the answer that is not passed on: what is left of it is still coming */
  #dropping: number | undefined
  /** status of the last answer that was not passed on */
  #dropped: number | undefined
  #answering = false
  /** the answer is a stream of events */
  #events = false
  #over = false
  /** why we ended the exchange ourselves */
  #ended: 'timeout' | 'too-large' | 'nobody' | undefined
  #streamed = 0
  #discarded = 0
  #timer: NodeJS.Timeout | undefined

  constructor(client: Client, sending: Sending) {
    this.#client = client
    this.#sending = sending
  }

  start(): void {
    const { timeoutMs, route } = this.#sending
    this.#timer = setTimeout(timedOut, timeoutMs, this)
    this.#deadline = performance.now() + timeoutMs
    route.pool.budget.earn()
    this.#attempt()
  }

  /** The client takes bytes again. */
  resume(): void {
    this.#controller?.resume()
  }

  /** The client has gone. What has begun goes on; what has not will not. */
  leave(): void {
    if (this.#over) return
    // Nobody waits for an answer without end, and nothing has to be finished.
    if (this.#events || this.#pause !== undefined) this.#end('nobody')
    else if (this.#answering) this.#discard()
  }

  /** Ends the exchange whatever its state. */
  destroy(): void {
    this.#end('nobody')
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended !== undefined) {
      this.#shown(undefined)
      return controller.abort(new Error('the exchange has ended'))
    }
    if (this.#client.left) return this.#end('nobody')
    this.#sent = true
    this.#sentAt = performance.now()
    this.#everSent = true
    this.#client.connected()
  }

  onBodySent(chunk: Buffer): void {
    if (this.#sending.body === null || Buffer.isBuffer(this.#sending.body)) return
    this.#streamed += chunk.length
    // A service need not answer before it has the whole body: its time begins with the last part.
    this.#timer?.refresh()
    if (this.#streamed > this.#sending.limit) this.#end('too-large')
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    const fault = answerFault(status, headers)
    if (fault !== undefined) return controller.abort(new Error(fault))
    this.#heard(status, headers)
    const waitMs = this.#mayAsk('status', status, headers['retry-after'])
    if (waitMs !== undefined) {
      this.#dropping = 0
      this.#dropped = status
      return this.#again('status', waitMs)
    }
    this.#clearTimer()
    this.#answering = true
    this.#events = headers['content-type']?.startsWith('text/event-stream') === true
    if (!this.#client.left) this.#client.head(status, headers)
    else if (this.#events) this.#end('nobody')
    else this.#discard()
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    service: Duplex,
  ): void {
    service.on('error', () => {})
    this.#shown(true)
    if (this.#client.left || this.#over) {
      service.destroy()
      return this.#finish()
    }
    const fault = this.#client.upgraded(status, headers, service)
    if (fault === undefined) return this.#finish()
    service.destroy()
    this.#client.failed('broken', new Error(fault))
    this.#fail(this.#broken())
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#dropping !== undefined) {
      this.#dropping += chunk.length
      if (this.#dropping > droppedBytes) controller.abort(new Error('the answer is not passed on'))
      return
    }
    if (this.#client.left) {
      this.#discarded += chunk.length
      if (this.#discarded > discardBytes) this.#end('nobody')
      return
    }
    if (!this.#client.write(chunk)) controller.pause()
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#dropping !== undefined) return this.#isDropped()
    this.#client.end(trailers)
    this.#finish()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // Nobody waits any more for a connection that cannot be made: it says all the same that the instance is away.
    if (this.#over) return this.#controller === undefined ? this.#lost(error) : undefined
    if (this.#ended !== undefined) return this.#finish()
    if (this.#dropping !== undefined) return this.#isDropped()
    if (this.#answering) {
      this.#client.failed('answer-cut', error)
      this.#client.cut()
      return this.#finish()
    }
    // A client that leaves in the middle of its body ends the exchange; the service has done nothing wrong.
    const isLeft = isStream(this.#sending.body) && this.#client.left
    if (isLeft || isOurFault(error)) this.#shown(undefined)
    if (isLeft) return this.#finish()
    if (isOurFault(error))
      return this.#fail(new Problem('internal-error', { detail: 'The request cannot be passed on.' }))
    this.#lost(error)
    if (!this.#sent) return this.#refused(error)
    this.#client.failed('broken', error)
    const waitMs = this.#mayAsk('broken')
    if (waitMs === undefined) return this.#fail(this.#broken())
    this.#again('broken', waitMs)
  }

  /** What an answer shows of its instance. */
  #heard(status: number, headers: IncomingHttpHeaders): void {
    const { pool } = this.#sending.route
    const instance = this.#instance as Instance
    // It is there, and sheds load: to leave it alone would shed the rest as well. A probe has come too early, though.
    if (status === 503 && headers['retry-after'] !== undefined) {
      pool.asksForPause(instance)
      return this.#shown(this.#admitted?.isProbe === true ? false : undefined)
    }
    pool.succeeded(instance)
    if (saysDown(status)) pool.failed(instance, new Error(`it answered with ${status}`), true)
    this.#shown(!saysDown(status))
  }

  /** What a failure before an answer shows of the instance. */
  #lost(error: Error): void {
    const { pool } = this.#sending.route
    pool.failed(this.#instance as Instance, error, this.#sent)
    this.#shown(showsUp(error, this.#sent))
  }

  /** Tells the breaker once an attempt whether the instance is up; undefined: it was not to be seen. */
  #shown(isUp: boolean | undefined): void {
    const admitted = this.#admitted
    this.#admitted = undefined
    admitted?.ended(isUp)
  }

  /** The pause before a further attempt, in milliseconds; undefined: there is none. */
  #mayAsk(why: RetryReason, status = 0, told?: string): number | undefined {
    const { route, repeatable, body, timeoutMs } = this.#sending
    const { attempts, declared } = route.retry
    if (this.#attempts >= attempts || isStream(body) || this.#client.left) return undefined
    // Nothing has gone where all have refused: that needs no more than the contract's word.
    if (why === 'refused' ? declared === undefined : !repeatable) return undefined
    if (why === 'status' && (declared === undefined || !retriesStatus(declared, status))) return undefined
    const waitMs = declared === undefined ? 0 : pauseBefore(declared, this.#attempts, retryAfter(told ?? null))
    // Less than it asks for is not waited, and the attempt needs some time, too: rather, the client hears of it.
    if (performance.now() + waitMs >= this.#deadline - timeoutMs / 10) return undefined
    // Nobody would take it.
    if (route.pool.refusedMs > waitMs) return undefined
    if (route.pool.budget.spend()) return waitMs
    this.#client.withheld()
    return undefined
  }

  #again(why: RetryReason, waitMs: number): void {
    this.#attempts++
    this.#tried = undefined
    this.#avoid = this.#instance
    if (this.#dropping === undefined) this.#controller = undefined
    this.#client.repeated(why, Math.round(waitMs))
    this.#pause = setTimeout(pauseOver, waitMs, this)
  }

  pauseOver(): void {
    this.#pause = undefined
    if (this.#client.left) return this.#end('nobody')
    if (this.#dropping === undefined) return this.#attempt()
    this.#controller?.abort(new Error('the answer is not passed on'))
  }

  #isDropped(): void {
    this.#dropping = undefined
    this.#controller = undefined
    if (this.#pause !== undefined) return
    if (this.#client.left) return this.#finish()
    this.#attempt()
  }

  #attempt(): void {
    const { route, target, method, headers, body, upgrade, idleMs } = this.#sending
    const picked = route.pool.pick(this.#tried, this.#avoid)
    if (picked?.instance === undefined) return this.#noneLeft(picked?.openMs)
    const { instance } = picked
    this.#admitted = picked.admitted
    if (this.#tried !== undefined) this.#client.repeated('elsewhere')
    this.#instance = instance
    this.#sent = false
    this.#controller = undefined
    instance.pool.dispatch(
      {
        path: instance.prefix + target,
        method,
        headers: this.#attempts === 1 ? headers : withRemaining(headers, this.#deadline - performance.now()),
        body,
        bodyTimeout: route.endless ? idleMs : route.timeoutMs,
        ...(upgrade && { upgrade: 'websocket' }),
      },
      this,
    )
  }

  #refused(error: Error): void {
    this.#client.failed('connect', error)
    if (this.#client.left) return this.#finish()
    // A stream that undici gave up on may be gone with the attempt.
    const { body } = this.#sending
    if (isStream(body) && body.destroyed) return this.#fail(unreachableProblem(this.#sending.route.service))
    ;(this.#tried ??= new Set()).add(this.#instance as Instance)
    this.#attempt()
  }

  /** `openMs`: for so long at least, those that were not asked are left alone. That is not waited for. */
  #noneLeft(openMs: number | undefined): void {
    const waitMs = openMs === undefined ? this.#mayAsk('refused') : undefined
    if (waitMs !== undefined) return this.#again('refused', waitMs)
    if (openMs !== undefined) this.#client.leftAlone()
    const { service } = this.#sending.route
    if (!this.#everSent)
      return this.#fail(openMs === undefined ? unreachableProblem(service) : openProblem(service, openMs))
    this.#fail(this.#dropped === undefined ? this.#broken() : goneProblem(service, this.#dropped, openMs))
  }

  timeout(): void {
    if (this.#over || this.#answering) return
    // A caller that waits shorter, or stops in its own body, says nothing of the service.
    const { timeoutMs, hurried, body, route } = this.#sending
    const late = new Error(`no answer within ${timeoutMs} ms`)
    const hadTime = this.#sent && !hurried && performance.now() - this.#sentAt >= timeoutMs / 2
    if (hadTime && !(isStream(body) && !body.readableEnded)) {
      route.pool.failed(this.#instance as Instance, late, true)
      this.#shown(false)
    }
    this.#client.failed('timeout', late)
    const detail = this.#everSent
      ? `The service did not answer within ${timeoutMs} ms; whether the request had an effect is not known.`
      : `No connection to the service was free within ${timeoutMs} ms; the request was not sent.`
    this.#client.answer(new Problem('timeout', { detail }))
    this.#end('timeout')
  }

  /** The answer has nobody to go to. */
  #discard(): void {
    this.#clearTimer()
    this.#timer = setTimeout(discarded, discardMs, this)
    this.#controller?.resume()
  }

  #end(why: 'timeout' | 'too-large' | 'nobody'): void {
    if (this.#over || this.#ended !== undefined) return
    this.#ended = why
    clearTimeout(this.#pause)
    this.#clearTimer()
    if (why === 'too-large') this.#client.answer(tooLarge(this.#sending.limit))
    if (this.#controller === undefined) {
      // Still in the queue for a connection: it is dropped when its turn comes. Nobody waits for that.
      return this.#finish()
    }
    this.#controller.abort(new Error(`ended by the gateway: ${why}`))
    this.#finish()
  }

  #fail(problem: Problem): void {
    if (!this.#client.left) this.#client.answer(problem)
    this.#finish()
  }

  #broken(): Problem {
    return brokenProblem(this.#sending.route.service, this.#sending.repeatable)
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#clearTimer()
    // Where the attempt still waits for a connection, that is yet to be seen.
    if (this.#controller !== undefined) this.#shown(undefined)
    this.#client.over()
  }

  #clearTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

function timedOut(forward: Forward): void {
  forward.timeout()
}

function pauseOver(forward: Forward): void {
  forward.pauseOver()
}

function discarded(forward: Forward): void {
  forward.destroy()
}

function isStream(body: Sending['body']): body is Readable {
  return body !== null && !Buffer.isBuffer(body)
}
