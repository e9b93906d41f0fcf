/** RFC 9562 UUIDs, RFC 6901 pointers, ECMA-262 patterns, RFC 4648 base64. */

const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/
const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/
const LEADING_NUMBER = /^(?:0|[1-9]\d*)(?=$|[#/])/
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

export function isJsonPointer(text: string): boolean {
  return POINTER.test(text)
}

export function isRelativeJsonPointer(text: string): boolean {
  const steps = LEADING_NUMBER.exec(text)
  if (steps === null) return false
  const rest = text.slice(steps[0].length)
  return rest === '#' || POINTER.test(rest)
}

export function isRegex(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp
  } catch {
    return false
  }
}

export function isByte(text: string): boolean {
  return text.length % 4 === 0 && BASE64.test(text)
}
