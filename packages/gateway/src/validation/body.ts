import { isUtf8 } from 'node:buffer'
import { type MediaType, mediaTypeMatcher, type SchemaCheck, type SchemaFault } from '@spandrel/contract'
import { Problem } from '../problem.ts'

/** One declared content type of a body. Without a check the body is passed on as it comes. */
export interface BodyType {
  readonly contentType: string
  readonly json: boolean
  readonly check?: SchemaCheck
}

/** What an operation takes as its body. */
export class BodyRule {
  readonly required: boolean
  /** bytes */
  readonly limit: number
  readonly #types: readonly (BodyType & { readonly matches: (essence: string) => boolean; readonly rank: number })[]
  /** `accept` of a 415: what would have been taken */
  readonly accept: string
  // Clients send the same few texts for ever; what was found for one is remembered, within a bound.
  readonly #found = new Map<string, BodyType | undefined>()

  constructor(rule: { required: boolean; limit: number; types: readonly BodyType[] }) {
    this.required = rule.required
    this.limit = rule.limit
    this.accept = rule.types.map(({ contentType }) => contentType).join(', ')
    this.#types = rule.types
      .map((type) => ({ ...type, ...mediaTypeMatcher(type.contentType) }))
      .sort((left, right) => right.rank - left.rank)
  }

  /** The declared type that a `content-type` header names, the most specific first; undefined: not taken. */
  typeOf(header: string): BodyType | undefined {
    if (this.#found.has(header)) return this.#found.get(header)
    const type = this.#look(header)
    if (this.#found.size < 64) this.#found.set(header, type)
    return type
  }

  #look(header: string): BodyType | undefined {
    const mark = header.indexOf(';')
    const essence = (mark === -1 ? header : header.slice(0, mark)).trim().toLowerCase()
    const type = this.#types.find(({ matches }) => matches(essence))
    if (type === undefined) return undefined
    const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(header)?.[1]?.toLowerCase()
    // RFC 8259: JSON between systems is UTF-8. In another encoding we would check something else than is read.
    const readable = charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii'
    return type.json && type.check !== undefined && !readable ? undefined : type
  }
}

/** `json` and its check from the model's media type. */
export function bodyType(media: MediaType, check: SchemaCheck | undefined): BodyType {
  return { contentType: media.contentType, json: media.json, ...(check !== undefined && { check }) }
}

/** The parsed body, or why it is refused. The bytes that were checked are the bytes that are forwarded. */
export function checkJson(bytes: Buffer, check: SchemaCheck): { value: unknown } | Problem {
  // Replacement characters would be checked here while the service reads the bytes.
  if (!isUtf8(bytes)) return refused([{ pointer: '', detail: 'is not UTF-8' }])
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    return refused([{ pointer: '', detail: `is not JSON: ${jsonFault(error)}` }])
  }
  const faults = check(value)
  return faults === undefined ? { value } : refused(faults)
}

function refused(faults: readonly SchemaFault[]): Problem {
  const errors = faults.map(({ pointer, detail }) => ({ in: 'body' as const, pointer, detail }))
  return new Problem('request-invalid', { detail: 'The body does not match the contract.', errors })
}

/** V8's message without its excerpt of the document, which may hold what nobody should read in a log. */
function jsonFault(error: unknown): string {
  const position = error instanceof SyntaxError ? /position (\d+)/.exec(error.message)?.[1] : undefined
  return position === undefined ? 'it ends early or breaks off' : `fault at character ${position}`
}
