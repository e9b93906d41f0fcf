import type { Expression } from './expression.ts'
import type { SourceLocation } from './location.ts'

// The resolved shapes below are those of the runtime's `service-contract.ts`: the generator writes `Guarantees` as it is.

export interface RetryGuarantee {
  /** the first included */
  attempts: number
  backoff: 'exponential' | 'linear' | 'fixed'
  delayMs: number
  maxDelayMs: number
  /** HTTP only: statuses that may be retried, besides connection failures: `503`, `'5XX'` */
  on?: readonly (number | string)[]
}

export interface KeyGuarantee {
  key: Expression
  required: boolean
  scope: 'caller' | 'tenant' | 'global' | { by: Expression }
  /** absent: the whole payload */
  fingerprint?: Expression
  retentionMs: number
  onOverlap: 'reject' | 'wait'
  onMismatch: 'reject' | 'replay'
  remembers: 'final' | 'success' | 'all'
}

export interface DeadLetterGuarantee {
  channel?: string
  retentionMs: number
  replay: 'manual' | 'automatic' | 'never'
  onPoison: 'hold-key' | 'hold-all' | 'skip'
}

/** What the runtime does: declared members, and its own behaviour where nothing is declared. */
export interface Guarantees {
  idempotency: 'natural' | 'none' | KeyGuarantee
  delivery: 'at-least-once' | 'at-most-once'
  ordering: 'none' | 'total' | { by: Expression }
  /** absent: the runtime's own limit */
  timeoutMs?: number
  retry: 'none' | RetryGuarantee
  deadLetter: 'none' | DeadLetterGuarantee
}

export interface CompletionGuarantee {
  by: 'event' | 'reply' | 'callback' | 'stream' | 'status'
  /** `<service>.<operation>` or `<service>.<message>`, or a name of the same service */
  ref?: string
  /** outcomes (message names, states or statuses) that end the work well */
  success: readonly string[]
  failure: readonly string[]
  withinMs?: number
}

export interface PushGuarantee {
  by: 'webhook' | 'event' | 'stream' | 'cdc'
  ref: string
}

export type GuaranteeMember =
  | 'idempotency'
  | 'delivery'
  | 'ordering'
  | 'timeout'
  | 'retry'
  | 'deadLetter'
  | 'completion'
  | 'push'
  | 'correlation'

/**
 * The guarantees of one operation after inheritance.
 *
 * For the generator: write `values`; nothing else is needed at run time.
 * A member is a *promise* only if `declared` has it, or if it is idempotency `natural` by RFC 9110 (`natural: true`).
 */
export interface ResolvedGuarantees {
  readonly values: Guarantees
  readonly completion?: CompletionGuarantee
  readonly push?: PushGuarantee
  readonly correlation?: Expression
  /** member → where the nearest declaration of it stands (document, trait or sidecar) */
  readonly declared: Readonly<Partial<Record<GuaranteeMember, SourceLocation>>>
  /** member of a key → where it is written: `key`, `retention`, `onOverlap`, … */
  readonly keyMembers?: Readonly<Record<string, SourceLocation>>
  /** idempotency comes from the HTTP method alone */
  readonly natural: boolean
}
