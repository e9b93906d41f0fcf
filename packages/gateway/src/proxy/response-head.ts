import type { IncomingHttpHeaders } from 'node:http'
import { correlationHeader } from '../trace/correlation.ts'
import { isHopByHop, reservedPrefix } from './request-head.ts'

/** What the gateway adds to every answer of one operation, as name, value, name, value … */
export type FixedHeaders = readonly string[]

/**
 * The service's headers as they go to the client: without the connection's own, with the correlation id and what the
 * contract says about the operation (`deprecation`, `sunset`), unless the service says it itself.
 */
export function responseHead(
  status: number,
  headers: IncomingHttpHeaders,
  correlationId: string,
  fixed: FixedHeaders,
): string[] {
  const head: string[] = [correlationHeader, correlationId]
  const named = headers.connection === undefined ? undefined : tokens(headers.connection)
  for (const name in headers) {
    if (isHopByHop(name) || name === correlationHeader || name.startsWith(reservedPrefix)) continue
    if (named?.has(name) === true) continue
    // RFC 9110, 8.6: a 204 has no length. Some readers would wait for what it announces.
    if (status === 204 && name === 'content-length') continue
    const value = headers[name]
    if (value === undefined) continue
    if (typeof value === 'string') head.push(name, value)
    else for (const one of value) head.push(name, one)
  }
  for (let index = 0; index < fixed.length; index += 2) {
    const name = fixed[index] as string
    // What an answer varies by is said by both: several lines are one list.
    if (headers[name] === undefined || name === 'vary') head.push(name, fixed[index + 1] as string)
  }
  return head
}

function tokens(connection: string | string[]): ReadonlySet<string> | undefined {
  const text = typeof connection === 'string' ? connection : connection.join(',')
  if (text === 'keep-alive' || text === 'close') return undefined
  const named = new Set(text.split(',').map((token) => token.trim().toLowerCase()))
  // The length frames the body: it is not for a connection to drop.
  named.delete('content-length')
  return named
}
