import type { Expression, KeyGuarantee } from '@spandrel/contract'
import { Problem } from '../problem.ts'

/** What a key's expression may look at. */
export interface KeySource {
  readonly headers: ReadonlyMap<string, string>
  readonly query: readonly (readonly [name: string, raw: string])[]
  readonly path: Readonly<Record<string, string | undefined>>
  /** of a token */
  readonly claims: unknown
}

/** Longer keys are refused: a service would keep them for as long as its contract promises. The runtime's limit too. */
const maxLength = 255

/**
 * The idempotency key of one operation at the edge: it must be there where it is required, and be usable. It is
 * forwarded untouched. Who remembers it, the service or this gateway, is another matter: keys/kept-key.ts.
 */
export class KeyRule {
  readonly expression: Expression
  readonly required: boolean
  /** lower-case header name, where the key is in a header */
  readonly header: string | undefined

  constructor(guarantee: KeyGuarantee) {
    this.expression = guarantee.key
    this.required = guarantee.required
    this.header = guarantee.key.source === 'request.header' ? guarantee.key.name.toLowerCase() : undefined
  }

  /** The key can be looked for only when the body has been parsed. */
  get needsBody(): boolean {
    return this.expression.source === 'request.body'
  }

  /** The key, undefined where an optional one is absent, or why the request is refused. */
  read(source: KeySource, body: unknown): string | undefined | Problem {
    const raw = valueAt(this.expression, source, body)
    if (raw === undefined || raw === '') {
      if (!this.required) return undefined
      return new Problem('key-missing', {
        detail: `This operation needs an idempotency key in ${describe(this.expression)}.`,
      })
    }
    const key = this.header === undefined ? raw : headerKey(raw)
    if (key === undefined) {
      return new Problem('key-invalid', {
        detail: `The idempotency key in ${describe(this.expression)} is neither a bare text nor a quoted string.`,
      })
    }
    if (!isStorable(key)) {
      return new Problem('key-invalid', {
        detail: `The idempotency key in ${describe(this.expression)} has a character that no text can keep: NUL, or half of a surrogate pair.`,
      })
    }
    if (key.length === 0 || key.length > maxLength) {
      return new Problem('key-invalid', {
        detail: `The idempotency key in ${describe(this.expression)} has ${key.length} characters; 1 to ${maxLength} are accepted.`,
      })
    }
    return key
  }
}

/**
 * A structured-field string (RFC 9651, 3.3.3: printable ASCII in quotes, `"` and `\` escaped; parameters behind it
 * are ignored) or bare text. undefined: neither.
 */
export function headerKey(value: string): string | undefined {
  const text = value.trim()
  if (text.startsWith('"')) {
    const quoted = /^"((?:[ !\x23-\x5b\x5d-\x7e]|\\["\\])*)"(?:\s*;.*)?$/.exec(text)
    return quoted?.[1]?.replaceAll(/\\(.)/g, '$1')
  }
  // A comma is what two header lines look like once joined: two keys are no key.
  return /^[\x21-\x7e]+$/.test(text) && !/[",]/.test(text) ? text : undefined
}

/** Whether it can be written down, and read again as the same text: a database keeps neither NUL nor half a character. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** The value of an expression as text; objects and arrays as JSON. */
export function valueAt(expression: Expression, source: KeySource, body: unknown): string | undefined {
  switch (expression.source) {
    case 'request.header':
      return source.headers.get(expression.name.toLowerCase())
    case 'request.query':
      return source.query.find(([name]) => name === expression.name)?.[1]
    case 'request.path':
      return source.path[expression.name]
    case 'request.body':
      return text(at(body, expression.pointer))
    case 'request.jwt':
      return text(at(source.claims, expression.pointer))
    default:
      return undefined
  }
}

export function at(value: unknown, pointer: readonly string[]): unknown {
  let found = value
  for (const step of pointer) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string, unknown>)[step]
  }
  return found
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Where an expression looks, for whoever has to mend a request. */
export function describe(expression: Expression): string {
  switch (expression.source) {
    case 'request.header':
      return `the header ${expression.name}`
    case 'request.query':
      return `the query parameter ${expression.name}`
    case 'request.path':
      return `the path parameter ${expression.name}`
    case 'request.body':
      return `the body at /${expression.pointer.join('/')}`
    case 'request.jwt':
      return `the token at /${expression.pointer.join('/')}`
    default:
      return expression.source
  }
}
