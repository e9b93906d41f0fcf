import type { Logger } from '@spandrel/runtime'
import type { Route } from '../routes/route.ts'

/** One request, as its line tells it. */
export interface AccessLine {
  readonly method: string | undefined
  readonly path: string
  readonly route: Route | undefined
  readonly status: number
  readonly seconds: number
  readonly correlationId: string
  readonly traceId: string | undefined
  /** the client went away before it had its answer */
  readonly left: boolean
}

/** No query (it may hold keys), no headers, no body. */
export function logAccess(logger: Logger, line: AccessLine): void {
  const { method, path, route, status, seconds, correlationId, traceId, left } = line
  logger.info(
    {
      method,
      path: path.slice(0, 200),
      ...(route !== undefined && { service: route.service, operation: route.operation.operation }),
      status,
      ms: Math.round(seconds * 10_000) / 10,
      correlationId,
      ...(traceId !== undefined && { traceId }),
      ...(left && { left: true }),
    },
    'request',
  )
}
