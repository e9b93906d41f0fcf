/** JSON values: their types and their equality. */

export const NULL = 1
export const BOOLEAN = 2
export const INTEGER = 4
/** a number that is no integer */
export const FRACTION = 8
export const STRING = 16
export const ARRAY = 32
export const OBJECT = 64
export const NUMBER = INTEGER | FRACTION
export const ANY = 127

const BY_NAME: Readonly<Record<string, number>> = {
  null: NULL,
  boolean: BOOLEAN,
  integer: INTEGER,
  number: NUMBER,
  string: STRING,
  array: ARRAY,
  object: OBJECT,
}

/** Types in the order in which witnesses are looked for: those that say most to a reader first. */
export const TYPES: readonly number[] = [OBJECT, ARRAY, STRING, INTEGER, FRACTION, BOOLEAN, NULL]

export function typesNamed(type: unknown): number {
  const names = Array.isArray(type) ? type : [type]
  return names.reduce<number>((mask, name) => mask | (BY_NAME[String(name)] ?? 0), 0)
}

export function typeOfValue(value: unknown): number {
  if (value === null) return NULL
  if (Array.isArray(value)) return ARRAY
  switch (typeof value) {
    case 'boolean':
      return BOOLEAN
    case 'number':
      return Number.isInteger(value) ? INTEGER : FRACTION
    case 'string':
      return STRING
    default:
      return OBJECT
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The same text for equal values, whatever the order of their members. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (!isRecord(value)) return JSON.stringify(value === 0 ? 0 : value)
  const members = Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
  return `{${members.join()}}`
}

export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  return canonical(left) === canonical(right)
}

/** An object from members; `__proto__` is a member like any other. */
export function recordOf(members: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries(members)
}

export function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
