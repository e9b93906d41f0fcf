/**
 * Formats that generated validators assert, and the type they apply to: those of the runtime's `formats`, which a test
 * holds this list to. Any other format is an annotation.
 */
export const FORMATS: Readonly<Record<string, 'string' | 'number'>> = {
  byte: 'string',
  date: 'string',
  'date-time': 'string',
  duration: 'string',
  email: 'string',
  hostname: 'string',
  int16: 'number',
  int32: 'number',
  int64: 'number',
  int8: 'number',
  ipv4: 'string',
  ipv6: 'string',
  'json-pointer': 'string',
  regex: 'string',
  'relative-json-pointer': 'string',
  time: 'string',
  uint16: 'number',
  uint32: 'number',
  uint64: 'number',
  uint8: 'number',
  uri: 'string',
  'uri-reference': 'string',
  'uri-template': 'string',
  uuid: 'string',
}
