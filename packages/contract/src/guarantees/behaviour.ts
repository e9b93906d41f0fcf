import type { DeadLetterGuarantee, KeyGuarantee, RetryGuarantee } from '../model/guarantees.ts'

/**
 * What the runtime does where a contract declares nothing, and what a declared member means where it leaves something
 * out. These are behaviour, not promises.
 */
const SECOND = 1000
const DAY = 86_400 * SECOND

export const retryBehaviour: RetryGuarantee = {
  attempts: 5,
  backoff: 'exponential',
  delayMs: SECOND,
  maxDelayMs: 300 * SECOND,
}

export const deadLetterBehaviour: DeadLetterGuarantee = {
  retentionMs: 14 * DAY,
  replay: 'manual',
  onPoison: 'hold-key',
}

/** Everything of a key but the key itself. */
export function keyBehaviour(kind: 'http' | 'message'): Omit<KeyGuarantee, 'key'> {
  return {
    required: true,
    scope: 'caller',
    // A message may come back from a dead letter after 14 days and from a stream after another 7; a caller's retries
    // end within 75 h 35 min (Standard Webhooks).
    retentionMs: (kind === 'message' ? 30 : 7) * DAY,
    onOverlap: kind === 'message' ? 'wait' : 'reject',
    onMismatch: 'reject',
    remembers: 'final',
  }
}

/** RFC 9110, 9.2.2: the methods that are idempotent by definition. */
export const naturalMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
