/**
 * Credentials are sent and never kept: in the history, and so in every page and script, `{{AUTHORIZATION}}` stands where
 * the value of `Authorization` was, in requests and where an answer repeats it. A script takes it from the environment
 * variable of that name. No judgement needs it.
 */
import type { HistoryRecord } from './records.ts'
import type { HeaderList } from '../wire/outgoing.ts'

const known = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key', 'api-key', 'x-auth-token'])
/** What a query has them in, too often. */
const inQuery =
  /^(api[-_]?key|(access|auth|id|refresh)?[-_]?token|auth|authorization|(client[-_]?)?secret|password|sig|signature|session([-_]?id)?)$/i
/** Of all that callers give, what must not be told again. */
const secretly = /auth|cookie|key|token|secret|password|signature|session|credential/i
/** A shorter value is a part of many words that nobody has to hide. */
const shortest = 8
const masked = /^\{\{([A-Z][A-Z0-9_]*)\}\}$/

export class Secrets {
  /** header and value → variable */
  readonly #variables = new Map<string, string>()

  /** All headers of callers are credentials, whatever they are called. */
  constructor(callers: readonly HeaderList[] = []) {
    for (const caller of callers) for (const [name, value] of caller) this.#variable(name, value)
  }

  mask(headers: HeaderList): HeaderList {
    return headers.map(([name, value]) => {
      if (variableOf(value) !== undefined) return [name, value]
      const isSecret = known.has(name.toLowerCase()) || this.#variables.has(keyOf(name, value))
      return [name, isSecret ? `{{${this.#variable(name, value)}}}` : value]
    })
  }

  /** `plain`: values that are none, whatever their parameter is called. */
  maskUrl(url: string, plain: readonly (string | undefined)[] = []): string {
    return url.replaceAll(/([?&])([^=&#]+)=([^&#]*)/g, (whole, before: string, name: string, value: string) =>
      !inQuery.test(name) || value === '' || value.startsWith('{{') || plain.includes(value)
        ? whole
        : `${before}${name}={{${this.#variable(`query-${name}`, value)}}}`,
    )
  }

  /** A record of what came back, without what was sent for it, and without what cookies it sets. */
  clean<T extends HistoryRecord>(record: T): T {
    // What the contract says is no secret, and is what everything is judged by.
    if (record.type === 'run' || record.type === 'invoke') return record
    const cleaned = this.cleaned(record)
    if (cleaned.type !== 'ok' && cleaned.type !== 'fail' && cleaned.type !== 'unknown') return cleaned
    const cookies = cleaned.headers?.['set-cookie']
    if (cookies === undefined) return cleaned
    return { ...cleaned, headers: { ...cleaned.headers, 'set-cookie': withoutCookies(cookies) } }
  }

  /** Plain data without what was masked before. */
  cleaned<T>(value: T): T {
    return this.#cleaned(value) as T
  }

  #cleaned(value: unknown): unknown {
    if (typeof value === 'string') return this.#cleanText(value)
    if (Array.isArray(value)) return value.map((one) => this.#cleaned(one))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.#cleaned(inner)]))
  }

  #cleanText(text: string): string {
    let clean = text
    for (const [nameAndValue, variable] of this.#variables) {
      const [name = '', value = ''] = nameAndValue.split('\n', 2)
      // A tenant or a language that is told again must stay what the contract says of it.
      if (!secretly.test(name)) continue
      // `Bearer …` is told of without its first word, too.
      for (const part of [value, value.slice(value.indexOf(' ') + 1)]) {
        if (part.length >= shortest) clean = replaceWhole(clean, part, `{{${variable}}}`)
      }
    }
    return clean
  }

  /** `X_API_KEY`, and `X_API_KEY_2` for another value. */
  #variable(name: string, value: string): string {
    const before = this.#variables.get(keyOf(name, value))
    if (before !== undefined) return before
    const bare = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
    // A header `Path` must not become a PATH.
    const safe = known.has(name.toLowerCase()) || /^(X|QUERY)_/.test(bare) ? bare : `HEADER_${bare}`
    const taken = new Set(this.#variables.values())
    let variable = safe
    for (let count = 2; taken.has(variable); count++) variable = `${safe}_${count}`
    this.#variables.set(keyOf(name, value), variable)
    return variable
  }
}

/** A header `set-cookie`, without the values. */
export function withoutCookies(header: string): string {
  return header.replaceAll(/(^|,\s*)([^=;,\s]+)=[^;,]*/g, '$1$2={{SET_COOKIE}}')
}

/** Not where it is a part of a longer word. */
function replaceWhole(text: string, part: string, by: string): string {
  let clean = ''
  let from = 0
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    const alone = !/\w/.test(text[at - 1] ?? '') && !/\w/.test(text[at + part.length] ?? '')
    if (at < from || !alone) continue
    clean += text.slice(from, at) + by
    from = at + part.length
  }
  return clean + text.slice(from)
}

/** Variables that stand in a text. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(/\{\{([A-Z][A-Z0-9_]*)\}\}/g)].map(([, name]) => name!)
}

/** The variable that a masked value names; undefined: it is not masked. */
export function variableOf(value: string): string | undefined {
  return masked.exec(value)?.[1]
}

function keyOf(name: string, value: string): string {
  return `${name.toLowerCase()}\n${value}`
}
