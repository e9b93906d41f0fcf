/** How long the caller still waits: understood by services on the runtime, set on calls between them too. */
export const timeoutHeader = 'request-timeout'

/** Milliseconds a service is told to be ready before we give up on it: its own answer says more than our 504. */
const marginMs = 100

/** What a service is told of the time there is. */
export function timeoutTold(timeoutMs: number): string {
  return String(Math.ceil(Math.max(timeoutMs * 0.9, timeoutMs - marginMs)))
}

/** The headers of a further attempt: it has the rest of the time, not all of it. */
export function withRemaining(headers: readonly string[], remainingMs: number): string[] {
  const copy = [...headers]
  copy[copy.indexOf(timeoutHeader) + 1] = timeoutTold(Math.max(1, remainingMs))
  return copy
}
