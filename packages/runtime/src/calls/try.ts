/** One try of a call, and what to make of its end. */
import type { RetryGuarantee, UseContract } from '../contract/service-contract.ts'
import { problemType } from '../operations/problem.ts'
import { CallError, type CallFailure } from './call-error.ts'
import { type CallRequest, keyHeader } from './call-request.ts'
import { neverConnected } from './connection-failure.ts'

export interface CallAnswer {
  status: number
  /** parsed where it is JSON, bytes where it is not text, undefined where there is none */
  body: unknown
  headers: Record<string, string>
}

export type Try =
  | { answer: CallAnswer; error?: undefined; providerIsDown: false }
  | { error: CallError; providerIsDown: boolean }

/** Statuses of a provider that cannot answer, whatever the request: they count for its breaker. */
const down = new Set([502, 503, 504])

/** Statuses that may be tried again where the contract's `retry` has no `on`. */
const passing = new Set([408, 425, 429, 502, 503, 504])

export function saysDown(status: number): boolean {
  return down.has(status)
}

export async function tryOnce(
  use: UseContract,
  request: CallRequest,
  limits: { limitMs: number; signal: AbortSignal | undefined; maxBytes: number },
): Promise<Try> {
  const fail = (
    reason: CallFailure,
    message: string,
    more: { status?: number; body?: unknown; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ): Try => ({
    error: new CallError(use.ref, reason, `${use.ref} ${message}`, { tries: 1, ...more }),
    providerIsDown:
      reason === 'unreachable' || reason === 'timeout' || (more.status !== undefined && saysDown(more.status)),
  })
  if (limits.limitMs <= 0)
    return { ...fail('timeout', 'was not called: no time is left'), providerIsDown: false } as Try
  const limitMs = Math.max(1, Math.min(limits.limitMs, 2 ** 31 - 1))
  const timeout = AbortSignal.timeout(Math.ceil(limitMs))
  const signal = limits.signal === undefined ? timeout : AbortSignal.any([timeout, limits.signal])
  try {
    const answer = await fetch(request.url, {
      method: request.method,
      headers: { ...request.headers, 'request-timeout': String(Math.ceil(limitMs)) },
      ...(request.body !== undefined && { body: request.body as string }),
      redirect: 'manual',
      signal,
    })
    const { status } = answer
    const bytes = await bounded(answer, limits.maxBytes)
    if (bytes === undefined)
      return fail('unreadable', `gave an answer of more than ${limits.maxBytes} bytes`, { status })
    let body: unknown
    try {
      body = parsed(bytes, answer.headers.get('content-type') ?? '')
    } catch (cause) {
      if (status < 400) return fail('unreadable', 'gave an answer that is not JSON', { status, cause })
    }
    if (isExpected(use, status, body)) {
      return { answer: { status, body, headers: Object.fromEntries(answer.headers) }, providerIsDown: false }
    }
    return fail('answered', `answered with status ${status}`, {
      status,
      body,
      retryAfterMs: retryAfter(answer.headers.get('retry-after')),
    })
  } catch (cause) {
    if (timeout.aborted) return fail('timeout', `did not answer within ${Math.ceil(limitMs)} ms`, { cause })
    if (limits.signal?.aborted === true)
      return { ...fail('timeout', 'was not waited for any longer', { cause }), providerIsDown: false } as Try
    return fail('unreachable', `cannot be reached: ${rootMessage(cause)}`, { cause })
  }
}

/** Whether a second try is allowed by the contract and cannot be a second effect. */
export function isRetryable(use: UseContract, request: CallRequest, error: CallError): boolean {
  const { retry, idempotency } = use.guarantees
  if (retry === 'none') return false
  if (error.reason === 'unreachable' && neverConnected(error.cause) !== undefined) return true
  const header = keyHeader(use)
  const repeatable = idempotency === 'natural' || (header !== undefined && request.headers[header] !== undefined)
  if (!repeatable) return false
  if (error.reason !== 'answered') return error.reason === 'unreachable' || error.reason === 'timeout'
  const status = error.status ?? 0
  // The first try may still be running there: its answer is worth waiting for.
  if (status === 409 && isOverlap(error.body)) return true
  return retriesStatus(retry, status)
}

/** Whether an answer with this status may be asked for again, where a copy is harmless. */
export function retriesStatus({ on }: RetryGuarantee, status: number): boolean {
  return on === undefined ? passing.has(status) : on.some((each) => matches(each, status))
}

function matches(on: number | string, status: number): boolean {
  const text = String(on).toUpperCase()
  return text === String(status) || text === `${Math.floor(status / 100)}XX`
}

function isOverlap(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'type' in body && body.type === problemType('overlap')
}

/** Full jitter over the contract's backoff; never less than what the provider asked for. */
export function pauseBefore(retry: 'none' | RetryGuarantee, tries: number, retryAfterMs: number | undefined): number {
  if (retry === 'none') return 0
  const factor = retry.backoff === 'exponential' ? 2 ** (tries - 1) : retry.backoff === 'linear' ? tries : 1
  const most = Math.min(retry.maxDelayMs, retry.delayMs * factor)
  return Math.max(Math.random() * most, retryAfterMs ?? 0)
}

/** `Retry-After`: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfter(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

async function bounded(answer: Response, maxBytes: number): Promise<Buffer | undefined> {
  if (answer.body === null) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined // leaving the loop cancels the body and closes its connection
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parsed(bytes: Buffer, contentType: string): unknown {
  if (bytes.length === 0) return undefined
  if (/^[^;]*[/+]json\s*(?:;|$)/i.test(contentType)) return JSON.parse(bytes.toString('utf8'))
  return contentType === '' || contentType.startsWith('text/') ? bytes.toString('utf8') : new Uint8Array(bytes)
}

/** An answer the caller's types know. "Not now" is none: it is tried again, and then an error. */
function isExpected(use: UseContract, status: number, body: unknown): boolean {
  if (status >= 500 || status === 429 || (status === 409 && isOverlap(body))) return false
  const { answers } = use
  if (answers === undefined) return status < 400
  return String(status) in answers || `${Math.floor(status / 100)}XX` in answers || 'default' in answers
}

function codes(cause: unknown): string[] {
  const found: string[] = []
  for (let at = cause, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') found.push(at.code)
    if (at instanceof AggregateError) for (const inner of at.errors) found.push(...codes(inner))
  }
  return found
}

function rootMessage(cause: unknown): string {
  let at = cause
  while (at instanceof Error && at.cause instanceof Error) at = at.cause
  return at instanceof Error ? (codes(cause)[0] ?? at.message) : String(at)
}
