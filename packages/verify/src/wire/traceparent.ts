import { randomBytes } from 'node:crypto'

/** A trace that begins here, sampled (https://www.w3.org/TR/trace-context/#traceparent-header). */
export function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
}
