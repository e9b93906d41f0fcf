import { randomFillSync } from 'node:crypto'
import { usableTracestate } from '@spandrel/runtime/operate'

/**
 * W3C Trace Context, level 1:
 *   traceparent = version "-" trace-id "-" parent-id "-" trace-flags
 *   version = 2HEXDIGLC (not ff) · trace-id = 32HEXDIGLC (not all zero) · parent-id = 16HEXDIGLC (not all zero)
 * A version above 00 may carry more after the flags; we continue it as 00, as the specification asks.
 */
const grammar = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)

export interface TraceContext {
  readonly traceparent: string
  readonly traceId: string
  readonly tracestate: string | undefined
}

/** What a `traceparent` says; undefined: it is not valid. */
export function parentOf(
  traceparent: string | undefined,
): { readonly traceId: string; readonly spanId: string; readonly sampled: boolean } | undefined {
  const found = traceparent === undefined ? null : grammar.exec(traceparent)
  if (found === null) return undefined
  const [, version, traceId = '', parentId = '', flags = '00', more] = found
  if (version === 'ff' || traceId === noTrace || parentId === noSpan) return undefined
  if (version === '00' && more !== undefined) return undefined
  return { traceId, spanId: parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** Continues a valid trace under a new span id; anything else starts a new, sampled trace without state. */
export function continueTrace(traceparent: string | undefined, tracestate: string | undefined): TraceContext {
  const parent = parentOf(traceparent)
  if (parent !== undefined) {
    const { traceId, sampled } = parent
    const flags = sampled ? '01' : '00'
    return { traceparent: `00-${traceId}-${spanId()}-${flags}`, traceId, tracestate: usableTracestate(tracestate) }
  }
  const traceId = hex(16)
  return { traceparent: `00-${traceId}-${spanId()}-01`, traceId, tracestate: undefined }
}

// Random bytes are taken in blocks: one system call for hundreds of ids.
const block = Buffer.alloc(4096)
let used = block.length

function hex(bytes: number): string {
  if (used + bytes > block.length) {
    randomFillSync(block)
    used = 0
  }
  const text = block.toString('hex', used, used + bytes)
  used += bytes
  return text
}

function spanId(): string {
  const id = hex(8)
  return id === noSpan ? spanId() : id
}
