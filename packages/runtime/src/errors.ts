/** Every code Spandrel's runtime throws. `docs/errors.md` has an entry for each; a test holds the two together. */
export type ErrorCode =
  | 'answer-too-large'
  | 'call-failed'
  | 'call-in-transaction'
  | 'contract-violation'
  | 'database-not-migrated'
  | 'incarnation-changed'
  | 'key-missing'
  | 'lost-ownership'
  | 'shared-transaction-refused'
  | 'statement-after-end'
  | 'statement-failed'
  | 'timeout'
  | 'transport-unavailable'
  | 'unknown-channel'
  | 'unknown-message'
  | 'unknown-service'
  | 'wrong-configuration'

/** What happened and where stands in `message`; `hint` says what to do about it. */
export class SpandrelError extends Error {
  override readonly name = 'SpandrelError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}

/** Thrown by a handler: no retry can help. The message becomes a dead letter at once. */
export class Terminal extends Error {
  override readonly name = 'Terminal'
}

/** Thrown by a handler: what it depends on is down. The lane pauses and probes; no attempt is counted. */
export class Outage extends Error {
  override readonly name = 'Outage'
  /** milliseconds until the next probe; the runtime's own pace when absent */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
  }
}
