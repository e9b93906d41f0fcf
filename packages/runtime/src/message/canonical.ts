/**
 * The JSON Canonicalization Scheme, RFC 8785: no white space, members sorted by the UTF-16 code units of their names,
 * strings and numbers as ECMAScript writes them (3.2.2). What JSON cannot say is refused, not dropped.
 */
import { hash } from 'node:crypto'
import { SpandrelError } from '../errors.ts'

const deepest = 512

/** Throws `contract-violation` for what has no canonical form: NaN, Infinity, bigint, lone surrogates, great depth. */
export function canonicalJson(value: unknown): string {
  return write(value, 0)
}

/** SHA-256 of the canonical JSON of the parts, as base64url. An absent part counts as null. */
export function fingerprint(...parts: readonly unknown[]): string {
  return hash('sha256', canonicalJson(parts), 'base64url')
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw refused('a string with half of a surrogate pair')
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw refused(String(value))
      return JSON.stringify(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'undefined':
      return 'null'
    case 'object':
      break
    default:
      throw refused(`a ${typeof value}`)
  }
  if (value === null) return 'null'
  if (depth >= deepest) throw refused(`more than ${deepest} levels`)
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(',')}]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return write(value.toJSON(), depth + 1)
  const members = value as Record<string, unknown>
  let text = ''
  // The default order of sort is the order of UTF-16 code units.
  for (const name of Object.keys(members).sort()) {
    const member = members[name]
    if (member === undefined) continue
    text += `${text === '' ? '' : ','}${write(name, depth)}:${write(member, depth + 1)}`
  }
  return `{${text}}`
}

function refused(what: string): SpandrelError {
  return new SpandrelError('contract-violation', `${what} has no canonical JSON form (RFC 8785)`)
}
