/**
 * The `format`s that generated validators assert. Every check takes time linear in the text: formats see what
 * strangers send. A format that is not listed here is an annotation and checks nothing.
 */
import { isDate, isDateTime, isDuration, isTime } from './formats/date-time.ts'
import { isEmail, isHostname, isIpv4, isIpv6 } from './formats/internet.ts'
import { isByte, isJsonPointer, isRegex, isRelativeJsonPointer, isUuid } from './formats/text.ts'
import { isUri, isUriReference, isUriTemplate } from './formats/uri.ts'

/** By format name, for strings. */
export const stringFormats = {
  byte: isByte,
  date: isDate,
  'date-time': isDateTime,
  duration: isDuration,
  email: isEmail,
  hostname: isHostname,
  ipv4: isIpv4,
  ipv6: isIpv6,
  'json-pointer': isJsonPointer,
  regex: isRegex,
  'relative-json-pointer': isRelativeJsonPointer,
  time: isTime,
  uri: isUri,
  'uri-reference': isUriReference,
  'uri-template': isUriTemplate,
  uuid: isUuid,
} as const

/** By format name, for numbers: the integer types of the OpenAPI format registry. */
export const numberFormats = {
  int8: integerWithin(-(2 ** 7), 2 ** 7 - 1),
  int16: integerWithin(-(2 ** 15), 2 ** 15 - 1),
  int32: integerWithin(-(2 ** 31), 2 ** 31 - 1),
  // 2^63 - 1 has no double of its own: its text parses to 2^63, so the bound includes that.
  int64: integerWithin(-(2 ** 63), 2 ** 63),
  uint8: integerWithin(0, 2 ** 8 - 1),
  uint16: integerWithin(0, 2 ** 16 - 1),
  uint32: integerWithin(0, 2 ** 32 - 1),
  uint64: integerWithin(0, 2 ** 64),
} as const

/** All of them, as generated validators look them up. */
export const formats = { ...stringFormats, ...numberFormats } as const

function integerWithin(low: number, high: number): (value: number) => boolean {
  return (value) => Number.isInteger(value) && value >= low && value <= high
}
