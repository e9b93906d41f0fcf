/**
 * Names in a generated file. Every name is claimed once; a name that is taken gets the first free number, so what a
 * name becomes depends only on the order of the claims, which is the order of the documents.
 */
export class Names {
  readonly #taken: Set<string>

  constructor(reserved: Iterable<string> = []) {
    this.#taken = new Set(reserved)
  }

  /** with the same names taken, to go on claiming from there */
  copy(): Names {
    return new Names(this.#taken)
  }

  isFree(name: string): boolean {
    return !this.#taken.has(name)
  }

  claim(wanted: string): string {
    let name = wanted
    for (let number = 2; this.#taken.has(name); number++) name = `${wanted}${number}`
    this.#taken.add(name)
    return name
  }
}

/** Type names that generated code uses itself, and those TypeScript has in every file. */
export const RESERVED_TYPES = words(`
  Array Exclude Omit Partial Pick Promise Readonly ReadonlyArray Record Required AbortSignal Uint8Array
  Response RequestInit URL globalThis ServiceContract UseContract Validator HttpStatus SuccessStatus
  RedirectionStatus ClientErrorStatus ServerErrorStatus ClientOptions
`)

/** `order-status` → `OrderStatus`; what cannot stand in an identifier separates words. */
export function pascalCase(text: string): string {
  const words = text.split(/(?:_|\P{ID_Continue})+/u).filter((word) => word !== '')
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  if (name === '') return 'Unnamed'
  return /^\p{ID_Start}/u.test(name) ? name : `_${name}`
}

/** `order-status` → `orderStatus`. */
export function camelCase(text: string): string {
  const name = pascalCase(text)
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** The same with nothing in it but letters, digits and underscores of ASCII: ajv takes no other names. */
export function asciiName(name: string): string {
  return name.replaceAll(/\W/gu, '_')
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

/** A member's name in a type or an object literal, quoted where it has to be. */
export function memberName(name: string): string {
  // A bare or quoted `__proto__:` in an object literal sets the prototype; computed, it is an ordinary member.
  if (name === '__proto__') return '["__proto__"]'
  return IDENTIFIER.test(name) ? name : quoted(name)
}

/** `.orders` or `["order-lines"]`. */
export function memberAccess(name: string): string {
  return IDENTIFIER.test(name) ? `.${name}` : `[${quoted(name)}]`
}

/** A string literal in single quotes, safe in any source file. */
export function quoted(text: string): string {
  const inner = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll("'", String.raw`\'`)
  return `'${inner.replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`)}'`
}

/** A long list of names, as text. */
export function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
