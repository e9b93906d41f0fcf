/**
 * Spans of OpenTelemetry, where the process has it: a server span for a request, and a client span for its exchange with
 * a service, named and described by the semantic conventions for HTTP (1.23 and later). `@opentelemetry/api` is an
 * optional peer: without it, or without an SDK behind it, nothing is made, and `continueTrace` writes the headers.
 *
 * No query, no header but `user-agent`, no body: they may hold secrets.
 */
import type { Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import { usableTracestate } from '@spandrel/runtime/operate'
import type { FailureKind } from '../management/metrics.ts'
import type { RequestHead } from '../proxy/request-head.ts'
import type { Route } from '../routes/route.ts'
import { parentOf, type TraceContext } from './trace-context.ts'

type Api = typeof import('@opentelemetry/api')

/** Of the conventions; any other is `_OTHER`, so that whoever sends words of their own makes no series. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'])

export class Telemetry {
  readonly #api: Api
  readonly #tracer: Tracer

  constructor(api: Api) {
    this.#api = api
    this.#tracer = api.trace.getTracer('@spandrel/gateway')
  }

  /** undefined: nobody collects spans. */
  begin(request: IncomingMessage, path: string, head: RequestHead, correlationId: string): Spans | undefined {
    const { trace, ROOT_CONTEXT, SpanKind } = this.#api
    const parent = this.#parentOf(head)
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
    const [address, port] = authorityOf(head.host ?? '')
    const method = request.method ?? ''
    const known = methods.has(method)
    const span = this.#tracer.startSpan(
      known ? method : 'HTTP',
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': known ? method : '_OTHER',
          ...(!known && { 'http.request.method_original': method }),
          'url.scheme': 'encrypted' in request.socket ? 'https' : 'http',
          'url.path': path,
          'network.protocol.version': request.httpVersion,
          ...(address !== undefined && { 'server.address': address }),
          ...(port !== undefined && { 'server.port': port }),
          ...(request.socket.remoteAddress !== undefined && { 'client.address': request.socket.remoteAddress }),
          ...(request.headers['user-agent'] !== undefined && { 'user_agent.original': request.headers['user-agent'] }),
          'spandrel.correlation_id': correlationId,
        },
      },
      context,
    )
    // Without an SDK a span is its parent again, or has no identity.
    const own = span.spanContext()
    if (!trace.isSpanContextValid(own) || own.spanId === parent?.spanId) return undefined
    return new Spans(this.#api, this.#tracer, span, known ? method : '_OTHER')
  }

  #parentOf({ traceparent, tracestate }: RequestHead): SpanContext | undefined {
    const parent = parentOf(traceparent)
    if (parent === undefined) return undefined
    const state = usableTracestate(tracestate)
    const { traceId, spanId, sampled } = parent
    const { createTraceState, TraceFlags } = this.#api
    return {
      traceId,
      spanId,
      traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
      isRemote: true,
      ...(state !== undefined && { traceState: createTraceState(state) }),
    }
  }
}

/** The spans of one request. */
export class Spans {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #server: Span
  readonly #method: string
  #client: Span | undefined
  #failure: { readonly type: string; readonly message?: string } | undefined
  #repeats = 0

  constructor(api: Api, tracer: Tracer, server: Span, method: string) {
    this.#api = api
    this.#tracer = tracer
    this.#server = server
    this.#method = method
  }

  get traceId(): string {
    return this.#server.spanContext().traceId
  }

  /** The operation is known. */
  routed({ basePath, operation, service }: Route): void {
    const route = basePath + operation.path
    this.#server.updateName(`${this.#method === '_OTHER' ? 'HTTP' : this.#method} ${route}`)
    this.#server.setAttributes({
      'http.route': route,
      'spandrel.service': service,
      'spandrel.operation': operation.operation,
    })
  }

  /** The request is about to be given to a service; what its headers say of the trace. */
  forward({ service, operation, pool }: Route): TraceContext {
    const { trace, ROOT_CONTEXT, SpanKind } = this.#api
    const instance = pool.instances.length === 1 ? pool.instances[0] : undefined
    const url = instance === undefined ? undefined : new URL(instance.url)
    this.#client = this.#tracer.startSpan(
      this.#method === '_OTHER' ? 'HTTP' : this.#method,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'http.request.method': this.#method,
          'peer.service': service,
          'url.template': operation.path,
          ...(url !== undefined && {
            'server.address': url.hostname,
            'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
          }),
        },
      },
      trace.setSpan(ROOT_CONTEXT, this.#server),
    )
    const { traceId, spanId, traceFlags, traceState } = this.#client.spanContext()
    return {
      traceId,
      traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}`,
      tracestate: traceState?.serialize() || undefined,
    }
  }

  /** The service answers. */
  answered(status: number): void {
    this.#client?.setAttribute('http.response.status_code', status)
    this.#failure = status < 400 ? undefined : { type: String(status) }
  }

  /** An attempt failed. It is told with the last one: what is said of a span once cannot be taken back. */
  failed(kind: FailureKind, { message }: Error): void {
    this.#failure = { type: kind, message }
  }

  /** Another attempt is made. */
  repeated(): void {
    this.#client?.setAttribute('http.request.resend_count', ++this.#repeats)
  }

  /** The exchange with the service is over. */
  over(): void {
    if (this.#failure !== undefined) {
      const { type, ...status } = this.#failure
      this.#client?.setAttribute('error.type', type)
      this.#client?.setStatus({ code: this.#api.SpanStatusCode.ERROR, ...status })
    }
    this.#client?.end()
    this.#client = undefined
  }

  /** All is over. A status of the client's own making (4xx) is no error of the server. */
  end(status: number): void {
    this.over()
    this.#server.setAttribute('http.response.status_code', status)
    if (status >= 500) {
      this.#server.setAttribute('error.type', String(status))
      this.#server.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    }
    this.#server.end()
  }
}

/** The process's own `@opentelemetry/api`; undefined: it has none. */
export function telemetryOf(): Telemetry | undefined {
  try {
    return new Telemetry(createRequire(import.meta.url)('@opentelemetry/api') as Api)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function authorityOf(host: string): [address?: string, port?: number] {
  if (host === '' || !URL.canParse(`http://${host}`)) return []
  const { hostname, port } = new URL(`http://${host}`)
  return port === '' ? [hostname] : [hostname, Number(port)]
}
