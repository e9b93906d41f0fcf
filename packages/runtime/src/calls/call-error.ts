import { SpandrelError } from '../errors.ts'

/**
 * Why a call failed:
 * - `answered`: with a status of 400 or more (`status`, `body`)
 * - `unreachable`: no connection, or it broke
 * - `timeout`: no answer within the time there was
 * - `breaker-open`: not tried, because the provider failed too often just before
 * - `unreadable`: an answer that is too large or not what its content type says
 */
export type CallFailure = 'answered' | 'unreachable' | 'timeout' | 'breaker-open' | 'unreadable'

/** Thrown by `call` when the last try failed. `code` is `call-failed`, or `timeout` where that was the reason. */
export class CallError extends SpandrelError {
  readonly ref: string
  readonly reason: CallFailure
  /** of an answer; else undefined */
  readonly status: number | undefined
  /** the answer's body, parsed where it is JSON */
  readonly body: unknown
  /** how often the provider was tried */
  readonly tries: number
  /** when the provider, or its breaker, says that it may be tried again */
  readonly retryAfterMs: number | undefined

  constructor(
    ref: string,
    reason: CallFailure,
    message: string,
    more: { status?: number; body?: unknown; tries: number; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(reason === 'timeout' ? 'timeout' : 'call-failed', message, { cause: more.cause })
    this.ref = ref
    this.reason = reason
    this.status = more.status
    this.body = more.body
    this.tries = more.tries
    this.retryAfterMs = more.retryAfterMs
  }
}
