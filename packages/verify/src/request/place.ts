/** Puts values where a contract's expressions say, and reads them there. */
import type { Expression } from '@spandrel/contract'

export interface RequestParts {
  readonly path: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

export type Place =
  | { readonly in: 'header' | 'query' | 'path'; readonly name: string }
  | { readonly in: 'body'; readonly pointer: readonly string[] }

/** The place an expression of the contract names; undefined where a client cannot put anything there. */
export function placeOf(expression: Expression | string): Place | undefined {
  if (typeof expression !== 'string') {
    if (expression.source === 'request.body') return { in: 'body', pointer: expression.pointer }
    if ('name' in expression)
      return { in: expression.source.slice('request.'.length) as 'header', name: expression.name }
    return undefined
  }
  const named = /^\$request\.(header|query|path)\.(\S+)$/.exec(expression)
  if (named !== null) return { in: named[1] as 'header', name: named[2]! }
  const body = /^\$request\.body(?:#(.*))?$/.exec(expression)
  return body === null ? undefined : { in: 'body', pointer: steps(body[1] ?? '') }
}

export function samePlace(a: Place | undefined, b: Place | undefined): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b)
}

/** Is `inner` at or below `outer`? */
export function isInside(inner: Place | undefined, outer: Place | undefined): boolean {
  if (inner?.in !== 'body' || outer?.in !== 'body') return samePlace(inner, outer)
  return outer.pointer.every((step, at) => inner.pointer[at] === step)
}

export function put(parts: RequestParts, place: Place, value: unknown): RequestParts {
  switch (place.in) {
    case 'header':
      return { ...parts, headers: { ...parts.headers, [place.name]: String(value) } }
    case 'query':
      return { ...parts, query: { ...parts.query, [place.name]: String(value) } }
    case 'path':
      return { ...parts, path: { ...parts.path, [place.name]: String(value) } }
    case 'body':
      return { ...parts, body: putIn(parts.body, place.pointer, value) }
  }
}

function putIn(value: unknown, pointer: readonly string[], to: unknown): unknown {
  const [step, ...rest] = pointer
  if (step === undefined) return to
  if (Array.isArray(value)) return value.map((inner, at) => (String(at) === step ? putIn(inner, rest, to) : inner))
  const object = (value !== null && typeof value === 'object' ? value : {}) as Record<string, unknown>
  return { ...object, [step]: putIn(object[step], rest, to) }
}

/** What a JSON value has at a pointer. */
export function at(value: unknown, pointer: readonly string[]): unknown {
  let found = value
  for (const step of pointer) {
    if (found === null || typeof found !== 'object') return undefined
    found = (found as Record<string, unknown>)[step]
  }
  return found
}

export function steps(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
}
