import type { IncomingHttpHeaders } from 'node:http'
import { correlationHeader } from '../trace/correlation.ts'
import { isHopByHop, reservedPrefix } from './request-head.ts'

/** Fields that steer how a message is framed, routed, cached or believed must not come after it (RFC 9110, 6.5.1). */
const forbidden = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'expires',
  'forwarded',
  'host',
  'location',
  'max-forwards',
  'pragma',
  'range',
  'retry-after',
  'set-cookie',
  'traceparent',
  'tracestate',
  'vary',
  'via',
  'warning',
  'www-authenticate',
  correlationHeader,
])

function mayTrail(name: string): boolean {
  return (
    /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) &&
    !forbidden.has(name) &&
    !isHopByHop(name) &&
    !name.startsWith(reservedPrefix) &&
    !name.startsWith('if-') &&
    !name.startsWith('x-forwarded-')
  )
}

/** The fields that a `trailer` header announces and that may come after a body, in lower case. */
export function announcedTrailers(header: string | readonly string[]): readonly string[] {
  const text = typeof header === 'string' ? header : header.join(',')
  const names = text.split(',').map((name) => name.trim().toLowerCase())
  return [...new Set(names)].filter(mayTrail)
}

/** Of the fields that came after a body, those that had been announced. */
export function passedTrailers(announced: readonly string[], fields: IncomingHttpHeaders): [string, string][] {
  const passed: [string, string][] = []
  for (const name of announced) {
    const value = fields[name]
    if (value === undefined) continue
    for (const one of typeof value === 'string' ? [value] : value) passed.push([name, one])
  }
  return passed
}
