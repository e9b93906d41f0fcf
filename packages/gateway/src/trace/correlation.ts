import { randomUUID } from 'node:crypto'

/** The header that names a journey, on requests and on every answer. */
export const correlationHeader = 'correlation-id'

// Bounded, and nothing that could be more than a name in a header, a log line, a URL or SQL.
const safe = /^[A-Za-z0-9._~:@/+=-]{1,128}$/

/** The caller's correlation id where it is usable, else a new one. An unusable one is dropped, not refused. */
export function correlationOf(incoming: string | undefined): string {
  return incoming !== undefined && safe.test(incoming) ? incoming : randomUUID()
}
