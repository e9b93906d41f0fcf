/**
 * Credentials are sent and never kept: in the history, and so in every page and script, `{{AUTHORIZATION}}` stands where
 * the value of `Authorization` was. A script takes it from the environment variable of that name. No judgement needs it.
 */
import type { HeaderList } from '../wire/outgoing.ts'

const known = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key', 'api-key', 'x-auth-token'])
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

  /** `X_API_KEY`, and `X_API_KEY_2` for another value. */
  #variable(name: string, value: string): string {
    const before = this.#variables.get(keyOf(name, value))
    if (before !== undefined) return before
    const bare = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
    // A header `Path` must not become a PATH.
    const safe = known.has(name.toLowerCase()) || bare.startsWith('X_') ? bare : `HEADER_${bare}`
    const taken = new Set(this.#variables.values())
    let variable = safe
    for (let count = 2; taken.has(variable); count++) variable = `${safe}_${count}`
    this.#variables.set(keyOf(name, value), variable)
    return variable
  }
}

/** The variable that a masked value names; undefined: it is not masked. */
export function variableOf(value: string): string | undefined {
  return masked.exec(value)?.[1]
}

function keyOf(name: string, value: string): string {
  return `${name.toLowerCase()}\n${value}`
}
