/**
 * One request and its answer, on the client's side (the service's side is proxy/forward.ts). States:
 *
 *   arriving   route, access, parameters and key are checked; a body that must be checked is collected
 *   sending    given to the service; nothing of an answer has gone to the client
 *   answering  the head of the answer has gone, the service's or our refusal
 *   left       the client went away. Before the service had the request: nothing happens any more. After: the service
 *              finishes undisturbed and its answer is dropped
 *   ended      both sides are over: counted and logged
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Edge } from './edge.ts'
import type { Identity } from './identity/access.ts'
import { callerHeader, callerSignatureHeader, signCaller } from './identity/caller.ts'
import { logAccess } from './management/access-log.ts'
import type { FailureKind } from './management/metrics.ts'
import { Problem } from './problem.ts'
import type { Outgoing } from './keys/kept-keys.ts'
import { checked } from './answers/checked-answer.ts'
import { type Client, Forward, type RetryReason, type Sending } from './proxy/forward.ts'
import { addForwarded, plainAddress } from './proxy/forwarded.ts'
import { endsEvent } from './proxy/event-stream.ts'
import { requestFault } from './proxy/message-rules.ts'
import { refusesRest } from './proxy/refused-body.ts'
import { receiveBody } from './proxy/request-body.ts'
import { readHead, type RequestHead } from './proxy/request-head.ts'
import { timeoutHeader, timeoutTold } from './proxy/request-timeout.ts'
import { responseHead } from './proxy/response-head.ts'
import { announcedTrailers, passedTrailers } from './proxy/trailers.ts'
import { handshakeFault, tunnel } from './proxy/tunnel.ts'
import { Unread } from './proxy/unread.ts'
import { locationAt, withoutSegments } from './routes/base-paths.ts'
import { type RequestTarget, splitTarget } from './routes/request-target.ts'
import type { Match } from './routes/route-table.ts'
import type { Route } from './routes/route.ts'
import { correlationHeader, correlationOf } from './trace/correlation.ts'
import type { Spans } from './trace/telemetry.ts'
import { continueTrace } from './trace/trace-context.ts'
import { checkBody, type CheckedBody, type CheckedHead, checkHead, tooLarge } from './validation/request-check.ts'

/** A request that has been checked, and who sends it. */
interface Ready {
  readonly route: Route
  readonly head: RequestHead
  readonly target: RequestTarget
  readonly peer: string
  readonly identity: Identity | undefined
}

/** What the checks found in it. */
interface Checked extends CheckedBody {
  readonly source: CheckedHead['source']
}

export class Exchange implements Client {
  readonly #edge: Edge
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  /** of a request that asks for another protocol: the bytes behind it */
  readonly #upgradeHead: Buffer | undefined
  /** kept: undici takes it from a request whose stream it gives up, and a pipelined answer has none yet */
  readonly socket: Socket
  /** its place among the open exchanges; see connections.ts */
  slot = -1
  readonly #startedAt = performance.now()
  #route: Route | undefined
  #path = ''
  #correlationId = ''
  #traceId: string | undefined
  /** the service's side */
  #outgoing: Outgoing | undefined
  /** of OpenTelemetry */
  #spans: Spans | undefined
  /** announced; infinite: they come in chunks */
  #bodyBytes = 0
  /** the client waits for `100 Continue` before it sends its body */
  #awaited = false
  #takesTrailers = false
  #trailers: readonly string[] | undefined
  /** the answer is a stream of events, and may be ended between two */
  #events = false
  #betweenEvents = true
  #status = 0
  #written = false
  #closed = false
  #serviceOver = true
  #ended = false
  readonly #unread: Unread

  constructor(edge: Edge, request: IncomingMessage, response: ServerResponse, upgradeHead?: Buffer) {
    this.#edge = edge
    this.#request = request
    this.#response = response
    this.#upgradeHead = upgradeHead
    this.socket = request.socket
    this.#unread = new Unread(response, this.socket, edge.limits.stallMs)
    edge.inFlight++
    response.on('close', () => this.close())
  }

  get left(): boolean {
    return !this.#response.writableFinished && (this.#closed || this.socket.destroyed)
  }

  /** Nothing has been answered yet, and the request is not even complete: a fault on the wire is this request's. */
  get isArriving(): boolean {
    return this.#status === 0 && !this.#request.complete
  }

  get isOver(): boolean {
    return this.#closed
  }

  /** The connection ends as soon as this exchange has its answer. */
  endConnection(): void {
    this.#response.on('close', () => this.socket.destroy())
  }

  /** Begins. Never throws. */
  run(): void {
    try {
      this.#arrive()
    } catch (error) {
      this.#fail(error)
    }
  }

  #arrive(): void {
    const { limits, routes, trustedHeader } = this.#edge
    const target = splitTarget(this.#request.url ?? '/', limits.encodedSlashes)
    const method = this.#request.method ?? 'GET'
    const match = target instanceof Problem ? undefined : routes.find(method, target.path, this.#request.rawHeaders)
    const head = readHead(this.#request.rawHeaders, match?.route.wanted, trustedHeader, limits.headers)
    const named = match?.route.correlationHeader
    this.#correlationId = correlationOf(
      head.correlationId ?? (named === undefined ? undefined : head.wanted.get(named)),
    )
    const { telemetry } = this.#edge
    const path = target instanceof Problem ? '/' : target.path
    if (telemetry !== undefined) this.#spans = telemetry.begin(this.#request, path, head, this.#correlationId)
    this.#traceId = this.#spans?.traceId
    this.#bodyBytes = head.chunked ? Number.POSITIVE_INFINITY : (head.contentLength ?? 0)
    if (target instanceof Problem) {
      if (this.#request.url === '*' && method === 'OPTIONS' && head.problem === undefined) return this.#describe()
      return this.answer(target)
    }
    this.#path = target.path
    const { httpVersion } = this.#request
    this.#awaited = head.expect !== undefined && this.#bodyBytes > 0 && httpVersion !== '1.0'
    const fault = requestFault(httpVersion, head, target, this.#edge.pseudonym)
    if (fault !== undefined) return this.answer(fault)
    if (match === undefined) return this.answer(routes.refusal(method, target.path))
    this.#route = match.route
    this.#spans?.routed(match.route)
    // What stands there is no body to its reader, whatever its length says.
    if (this.#upgradeHead !== undefined && this.#bodyBytes > 0) {
      return this.answer(new Problem('request-malformed', { detail: 'An upgrade has no body.', close: true }))
    }
    if (this.#edge.inFlight > limits.inFlight) {
      return this.answer(new Problem('overloaded', { headers: ['retry-after', '1'] }))
    }
    const peer = plainAddress(this.socket.remoteAddress)
    if (match.route.access.isOpen) return this.#check(match, head, target, peer, undefined)
    match.route.access
      .identify({
        authorization: head.authorization,
        cookie: head.cookie,
        query: target.query,
        headers: head.wanted,
        peer,
      })
      .then((identity) => {
        if (identity instanceof Problem) this.answer(identity)
        else if (!this.#closed) this.#check(match, head, target, peer, identity)
      })
      .catch((error: unknown) => this.#fail(error))
  }

  #check(match: Match, head: RequestHead, target: RequestTarget, peer: string, identity: Identity | undefined): void {
    const checked = checkHead(match, head, target, identity)
    if (checked instanceof Problem) return this.answer(checked)
    const ready = { route: match.route, head, target, peer, identity }
    const { source } = checked
    if (checked.body === 'none') return this.#send(ready, { source, key: checked.key, value: undefined }, null)
    if (checked.body === 'stream')
      return this.#send(ready, { source, key: checked.key, value: undefined }, this.#request)
    const limit = match.route.body?.limit ?? 0
    this.#continue()
    receiveBody(this.#request, limit, (bytes) => {
      try {
        // A refusal may have come first: the request took too long.
        if (this.#closed || this.#status !== 0) return
        if (bytes === undefined) return this.answer(tooLarge(limit))
        const found = checkBody(checked, bytes)
        if (found instanceof Problem) this.answer(found)
        else this.#send(ready, { source, ...found }, bytes)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #send(ready: Ready, checked: Checked, payload: Buffer | IncomingMessage | null): void {
    const { route, head, target, peer, identity } = ready
    const { trustedProxies, secret, pseudonym, limits } = this.#edge
    const method = this.#request.method ?? 'GET'
    const path = route.ownSegments === 0 ? target.path : withoutSegments(target.path, route.ownSegments)
    const text = target.query === '' ? path : `${path}?${target.query}`
    const timeoutMs = Math.min(route.timeoutMs, head.timeoutMs ?? route.timeoutMs)
    const trace = this.#spans?.forward(route) ?? continueTrace(head.traceparent, head.tracestate)
    this.#traceId = trace.traceId
    const { forward } = head
    addForwarded(head, peer, trustedProxies.has(peer), 'encrypted' in this.socket)
    // RFC 9110, 7.6.3. The answers carry none: there it is optional, and tells strangers what stands here.
    const hop = `${this.#request.httpVersion} ${pseudonym}`
    forward.push('via', head.via === undefined ? hop : `${head.via}, ${hop}`)
    this.#takesTrailers = head.takesTrailers && this.#request.httpVersion !== '1.0' && method !== 'HEAD'
    if (this.#takesTrailers) forward.push('te', 'trailers')
    forward.push(correlationHeader, this.#correlationId, 'traceparent', trace.traceparent)
    if (trace.tracestate !== undefined) forward.push('tracestate', trace.tracestate)
    forward.push(timeoutHeader, timeoutTold(timeoutMs))
    if (identity !== undefined) {
      const { caller } = identity
      forward.push(callerHeader, caller)
      if (secret !== undefined) {
        forward.push(
          callerSignatureHeader,
          signCaller(secret, { caller, service: route.service, method, target: text }),
        )
      }
    }
    // A streamed body keeps its announced length; a collected one has its own.
    if (payload === this.#request && head.contentLength !== undefined) {
      forward.push('content-length', String(head.contentLength))
    }
    const { key } = checked
    const { keys } = this.#edge
    const isKept = key !== undefined && route.keptKey !== undefined && keys !== undefined
    const sending: Sending = {
      route,
      method,
      target: text,
      headers: forward,
      body: payload,
      limit: route.body?.limit ?? 0,
      // A service that keeps no keys does the work again.
      repeatable: route.natural || (key !== undefined && !isKept),
      timeoutMs,
      hurried: timeoutMs < route.timeoutMs,
      upgrade: this.#upgradeHead !== undefined && route.upgrades,
      idleMs: limits.idleMs,
    }
    if (!isKept) {
      this.#serviceOver = false
      const direct = new Forward(this.#answered(route), sending)
      this.#outgoing = direct
      return direct.start()
    }
    const bytes = Buffer.isBuffer(payload) ? payload : null
    const { contentType } = head
    const keyed = { ...checked, key, identity, target, method, bytes, contentType, correlationId: this.#correlationId }
    const wanted = route.keptKey.wanted(keyed)
    if (wanted instanceof Problem) return this.answer(wanted)
    this.#serviceOver = false
    this.#outgoing = keys.carryOut(this.#answered(route), route.keptKey, wanted, sending)
  }

  /** Who takes the answer: this, or what looks at it first. */
  #answered(route: Route): Client {
    const request = { id: this.#correlationId, method: this.#request.method }
    return route.answers === undefined ? this : checked(this, route, route.answers, this.#edge, request)
  }

  /** The body may come: whoever waits for our word is told. */
  #continue(): void {
    if (!this.#awaited || this.#closed || this.#status !== 0) return
    this.#awaited = false
    this.#response.writeContinue()
  }

  /** `OPTIONS *`: what this server can do at all (RFC 9110, 9.3.7). */
  #describe(): void {
    this.#status = 204
    this.#response.writeHead(204, [
      correlationHeader,
      this.#correlationId,
      'allow',
      this.#edge.routes.methods.join(', '),
    ])
    this.#response.end()
    this.#unread.begin()
  }

  // — the client's side, for proxy/forward.ts and keys/kept-keys.ts —

  connected(): void {
    this.#continue()
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#spans?.answered(status)
    const { prefixes, basePath = '' } = this.#route ?? {}
    if (prefixes !== undefined && headers.location !== undefined) {
      headers.location = locationAt(basePath, prefixes, headers.location)
    }
    const head = responseHead(status, headers, this.#correlationId, this.#route?.fixed ?? [])
    if (this.#takesTrailers && headers.trailer !== undefined && headers['content-length'] === undefined) {
      this.#trailers = announcedTrailers(headers.trailer)
      if (this.#trailers.length > 0 && status !== 204 && status !== 304) head.push('trailer', this.#trailers.join(', '))
    }
    if (this.#edge.draining) head.push('connection', 'close')
    this.#events =
      headers['content-length'] === undefined && headers['content-type']?.startsWith('text/event-stream') === true
    this.#response.writeHead(status, head)
    if (headers['content-length'] === undefined) process.nextTick(flush, this)
  }

  /** The head of a stream must not wait for its first part (events begin so); any other goes with its body. */
  flush(): void {
    if (!this.#written && !this.#closed) this.#response.flushHeaders()
  }

  upgraded(status: number, headers: IncomingHttpHeaders, service: Duplex): string | undefined {
    const { socket } = this
    const fault = handshakeFault(status, headers, String(this.#request.headers['sec-websocket-key']))
    if (fault !== undefined) return fault
    this.#status = status
    this.#spans?.answered(status)
    const fields = responseHead(status, headers, this.#correlationId, [])
    fields.push('connection', 'upgrade', 'upgrade', 'websocket')
    let head = 'HTTP/1.1 101 Switching Protocols\r\n'
    for (let index = 0; index < fields.length; index += 2) head += `${fields[index]}: ${fields[index + 1]}\r\n`
    this.#response.detachSocket(socket)
    socket.setTimeout(0)
    socket.write(`${head}\r\n`, 'latin1')
    if (this.#upgradeHead !== undefined && this.#upgradeHead.length > 0) socket.unshift(this.#upgradeHead)
    tunnel(socket, service, this.#edge.limits.idleMs)
    return undefined
  }

  write(chunk: Buffer): boolean {
    this.#written = true
    const taken = this.#response.write(chunk)
    if (this.#events) {
      this.#betweenEvents = endsEvent(chunk)
      if (this.#edge.draining) this.drain()
    }
    if (taken) return true
    if (!this.#unread.isOpen) {
      this.#unread.begin()
      this.#response.once('drain', () => {
        if (this.#response.writableEnded) return
        this.#unread.end()
        this.#outgoing?.resume()
      })
    }
    return false
  }

  end(trailers: IncomingHttpHeaders): void {
    this.#written = true
    if (this.#closed) return
    if (this.#trailers !== undefined) this.#response.addTrailers(passedTrailers(this.#trailers, trailers))
    this.#response.end()
    this.#unread.begin()
  }

  cut(): void {
    this.#response.destroy()
  }

  failed(kind: FailureKind, error: Error): void {
    const service = this.#route?.service ?? ''
    this.#edge.metrics.failed(service, kind)
    this.#spans?.failed(kind, error)
    const fields = { service, kind, err: error, correlationId: this.#correlationId }
    this.#edge.logger.warn(fields, 'an exchange with a service failed')
  }

  repeated(why: RetryReason | 'elsewhere', waitMs = 0): void {
    const { metrics, logger } = this.#edge
    metrics.repeats++
    this.#spans?.repeated()
    if (why === 'elsewhere') return
    const service = this.#route?.service ?? ''
    metrics.counters.add('retries', { service, why })
    logger.info({ service, why, waitMs, correlationId: this.#correlationId }, 'a request is sent to its service again')
  }

  withheld(): void {
    const fields = { service: this.#route?.service ?? '', correlationId: this.#correlationId }
    this.#edge.metrics.counters.add('retriesWithheld', { service: fields.service })
    this.#edge.logger.warn(fields, 'no retry: the budget of its service is spent')
  }

  leftAlone(): void {
    this.#edge.metrics.counters.add('breakerRefusals', { service: this.#route?.service ?? '' })
  }

  over(): void {
    this.#serviceOver = true
    this.#spans?.over()
    this.#settle()
  }

  /** Refuses. Nothing happens where an answer has begun, or nobody is there to read it. */
  answer(problem: Problem): void {
    const response = this.#response
    if (this.#closed || this.#status !== 0) return
    this.#status = problem.status
    const { headers, close } = problem.details
    const body = problem.body(this.#correlationId)
    const head = [correlationHeader, this.#correlationId, 'content-type', 'application/problem+json']
    head.push('content-length', String(Buffer.byteLength(body)), 'cache-control', 'no-store')
    if (headers !== undefined) head.push(...headers)
    for (const part of this.#route?.fixed ?? []) head.push(part)
    const rest = { bytes: this.#bodyBytes, awaited: this.#awaited }
    const ends = refusesRest(this.#request, this.socket, rest) || close === true || this.#edge.draining
    if (ends) head.push('connection', 'close')
    response.writeHead(problem.status, head)
    response.end(this.#request.method === 'HEAD' ? undefined : body)
    this.#unread.begin()
  }

  /** A fault on the wire, told as far as there is somebody to tell. */
  refuse(problem: Problem): void {
    if (this.#correlationId === '') this.#correlationId = correlationOf(undefined)
    this.answer(problem)
    // A body that will never be whole: what the service has of it must not look as if it were.
    this.#outgoing?.destroy()
  }

  /** The gateway stops: a stream of events ends between two of them. Its reader comes back, to another gateway. */
  drain(): void {
    if (!this.#events || !this.#betweenEvents || this.#closed) return
    this.#outgoing?.destroy()
    this.#response.end()
  }

  /** Cuts both sides. For the end of a drain. */
  destroy(): void {
    this.#response.destroy()
    // A tunnel has taken it from the answer.
    if (this.#status === 101) this.socket.destroy()
    this.#outgoing?.destroy()
  }

  /** Our own fault: told to the log, not to the client. */
  #fail(error: unknown): void {
    this.#edge.logger.error(
      { err: error, correlationId: this.#correlationId, operation: this.#route?.operation.operation },
      'a request failed inside the gateway',
    )
    this.answer(new Problem('internal-error', { detail: 'The fault is in the log of the gateway.' }))
  }

  /** The client's side is over, well or not. Called by the answer, and by a connection that ends before it. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#unread.end()
    if (this.left) this.#outgoing?.leave()
    this.#settle()
  }

  #settle(): void {
    if (!this.#closed || !this.#serviceOver || this.#ended) return
    this.#ended = true
    const seconds = (performance.now() - this.#startedAt) / 1000
    // 499 as nginx has it: nobody was there to read an answer.
    const status = this.#status === 0 ? 499 : this.#status
    ;(this.#route?.metrics ?? this.#edge.metrics.unknown).count(status, seconds)
    this.#spans?.end(status)
    this.#edge.inFlight--
    if (this.#edge.accessLog) this.#log(status, seconds)
    this.#edge.ended(this)
  }

  #log(status: number, seconds: number): void {
    logAccess(this.#edge.logger, {
      method: this.#request.method,
      path: this.#path,
      route: this.#route,
      status,
      seconds,
      correlationId: this.#correlationId,
      traceId: this.#traceId,
      left: this.left,
    })
  }
}

function flush(exchange: Exchange): void {
  exchange.flush()
}
