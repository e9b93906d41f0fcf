/** What a request brings along: correlation id, trace context, and how long its caller still waits. */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { usableTracestate } from '../message/trace-state.ts'
import { childTraceparent, parseTraceparent } from '../message/trace.ts'

export const CORRELATION_HEADER = 'correlation-id'
/** Milliseconds the caller still waits; `call` and the gateway set it, anybody may. */
const TIMEOUT_HEADER = 'request-timeout'

export interface RequestContext {
  /** identifies this request: `causationid` of what it sends */
  readonly id: string
  readonly correlationid: string
  readonly traceparent: string
  readonly tracestate: string | undefined
  /** epoch milliseconds */
  readonly deadline: number
}

export function requestContext(headers: IncomingHttpHeaders, now: number, timeoutMs: number): RequestContext {
  const id = randomUUID()
  const given = headers[CORRELATION_HEADER]
  const parent = typeof headers['traceparent'] === 'string' ? headers['traceparent'] : undefined
  const state = headers['tracestate']
  return {
    id,
    correlationid: typeof given === 'string' && isCorrelationId(given) ? given : id,
    traceparent: childTraceparent(parent),
    tracestate:
      parseTraceparent(parent) === undefined
        ? undefined
        : usableTracestate(Array.isArray(state) ? state.join(',') : state),
    deadline: now + Math.min(timeoutMs, remaining(headers[TIMEOUT_HEADER])),
  }
}

/** Visible ASCII without quotes and backslashes, at most 128 characters; another one is replaced, not refused. */
function isCorrelationId(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(text)
}

function remaining(value: string | string[] | undefined): number {
  if (typeof value !== 'string' || !/^\d{1,9}$/.test(value)) return Number.POSITIVE_INFINITY
  return Math.max(1, Number(value))
}
