/**
 * W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/#traceparent-header):
 * `<version 2HEX>-<trace id 32HEX>-<parent id 16HEX>-<flags 2HEX>`, lower case, no id all zero.
 */
import { randomHex } from './random-hex.ts'

export interface Traceparent {
  traceId: string
  parentId: string
  /** bit 0: sampled */
  flags: number
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** The parts of a `traceparent`, or undefined where it is not one (which is then as good as absent). */
export function parseTraceparent(text: string | undefined): Traceparent | undefined {
  const match = text === undefined ? null : form.exec(text.trim())
  if (match === null) return undefined
  const [, version, traceId = '', parentId = '', flags = '', more] = match
  // A later version may have more fields behind these; version 00 may not, and ff is not one.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined
  return { traceId, parentId, flags: Number.parseInt(flags, 16) }
}

/** A new span in the trace of `parent`; a new trace where that is absent or not valid. */
export function childTraceparent(parent?: string): string {
  const known = parseTraceparent(parent)
  if (known === undefined) return newTraceparent()
  return `00-${known.traceId}-${spanId()}-${(known.flags & 1).toString(16).padStart(2, '0')}`
}

/** The first span of a new trace, sampled. */
export function newTraceparent(): string {
  return `00-${nonZero(16)}-${spanId()}-01`
}

function spanId(): string {
  return nonZero(8)
}

function nonZero(bytes: number): string {
  let id = randomHex(bytes)
  while (/^0+$/.test(id)) id = randomHex(bytes)
  return id
}
