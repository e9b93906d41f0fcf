/** What a request is answered when its `before` failed: nothing has begun, so every copy may try again. */
import { CallError } from '../calls/call-error.ts'
import type { Rendered } from './answer.ts'
import { cutOff, problem } from './problem.ts'

export function failedBefore(name: string, failure: unknown, signal: AbortSignal): Rendered {
  if (signal.aborted) return cutOff(name, signal)
  if (!(failure instanceof CallError)) return problem('internal-error', `${name} failed: see the log of the service`)
  const headers = { 'retry-after': String(Math.max(1, Math.ceil((failure.retryAfterMs ?? 0) / 1000))) }
  switch (failure.reason) {
    case 'timeout':
      return problem('timeout', `${failure.ref} did not answer in time`, { headers })
    case 'unreachable':
    case 'breaker-open':
      return problem('unavailable', `${failure.ref} cannot be reached`, { headers })
    case 'answered':
      return problem('provider-failed', `${failure.ref} answered with status ${failure.status}`)
    case 'unreadable':
      return problem('provider-failed', `${failure.ref} gave an answer that cannot be read`)
  }
}
