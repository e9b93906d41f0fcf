/**
 * Formats, as ajv-formats checks them, with what the search needs to know of each: texts that have it, and a pattern
 * that every such text matches. A format that is not listed is an annotation and says nothing.
 */
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { FORMATS } from '../generate/formats.ts'

interface TextFormat {
  /** texts that have the format; the first is shown to people */
  readonly samples: readonly string[]
  /** what stands before and behind a character that may be repeated, for texts of a certain length */
  readonly stretch?: readonly [before: string, filler: string, behind: string]
  /** matched by every text of the format: what makes proofs possible. Absent: nothing is known. */
  readonly within?: string
  /** formats that every text of this one has as well */
  readonly implies?: readonly string[]
}

const HEX = '[0-9a-fA-F]'

export const TEXT_FORMATS: Readonly<Record<string, TextFormat>> = {
  date: { samples: ['2026-11-22', '1999-02-28', '0001-01-01'], within: String.raw`^\d{4}-\d\d-\d\d$` },
  time: {
    stretch: ['12:30:00.', '0', 'Z'],
    samples: ['12:30:00Z', '23:59:59.123+02:00', '00:00:00-08:00'],
    within: String.raw`^\d\d:\d\d:\d\d(\.\d+)?([zZ]|[+-]\d\d(:?\d\d)?)$`,
  },
  'date-time': {
    stretch: ['2026-11-22T12:30:00.', '0', 'Z'],
    samples: ['2026-11-22T12:30:00Z', '1999-02-28T23:59:59.123+02:00', '2026-11-22t12:30:00z'],
    within: String.raw`^\d{4}-\d\d-\d\d[tT\s]\d\d:\d\d:\d\d(\.\d+)?([zZ]|[+-]\d\d(:?\d\d)?)$`,
  },
  duration: {
    stretch: ['PT', '1', 'S'],
    samples: ['PT1H', 'P1Y2M3DT4H5M6S', 'P4W', 'P1D'],
    within: '^P[0-9YMDTHSW]+$',
  },
  email: {
    stretch: ['a', 'a', '@example.org'],
    samples: ['a@example.org', 'first.last+tag@example.com', 'A_B@x.co', 'a@b.c'],
    within: '^[^@]+@[^@]+$',
  },
  hostname: {
    stretch: ['a', '.a', ''],
    samples: ['example.org', 'a', 'x-1.example.com'],
    within: '^[a-zA-Z0-9.-]{1,254}$',
  },
  ipv4: { samples: ['127.0.0.1', '255.255.255.255'], within: '^[0-9.]{7,15}$', implies: ['hostname'] },
  ipv6: { samples: ['::1', 'fe80::a:b', '2001:DB8:1:2:3:4:5:6'], within: '^[0-9a-fA-F:.]{2,45}$' },
  uri: {
    stretch: ['https://example.org/', 'a', ''],
    samples: ['https://example.org/', 'urn:isbn:123', 'mailto:a@example.org', 'http://example.org:80/a/b?c=d#e', 'a:b'],
    within: '^[a-zA-Z][a-zA-Z0-9+.-]*:',
    implies: ['uri-reference'],
  },
  'uri-reference': { stretch: ['/', 'a', ''], samples: ['/a/b', '', '#c', 'https://example.org/', '../a?b=c'] },
  'uri-template': { stretch: ['/', 'a', ''], samples: ['/orders/{id}', 'x', '{+path}/x', ''] },
  uuid: {
    samples: ['2eb8aa08-aa98-41ea-b4aa-73b441d16380', '2EB8AA08-AA98-41EA-B4AA-73B441D16380'],
    within: `^(urn:uuid:)?${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}$`,
  },
  'json-pointer': { stretch: ['/', 'a', ''], samples: ['/a/b', '', '/~0/~1/0'], within: '^(/|$)' },
  'relative-json-pointer': { stretch: ['1/', 'a', ''], samples: ['0', '1/a', '2#'], within: '^[0-9]+(#|/|$)' },
  regex: { stretch: ['a', 'a', ''], samples: ['^a+$', 'a', '[a-z]{2}'] },
  byte: { stretch: ['', 'A', ''], samples: ['AAECAw==', 'YQ==', ''], within: '^[A-Za-z0-9+/]*={0,2}$' },
}

/** The integer formats of the OpenAPI registry. What int64 and uint64 end at has no double of its own, hence the power. */
export const NUMBER_FORMATS: Readonly<Record<string, readonly [number, number]>> = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, 2 ** 64],
}

export function checkFormat(format: string, value: unknown): boolean {
  if (typeof value === 'string') return checkText(format, value)
  const range = typeof value === 'number' ? NUMBER_FORMATS[format] : undefined
  if (range === undefined || typeof value !== 'number') return true
  return Number.isInteger(value) && value >= range[0] && value <= range[1]
}

function checkText(format: string, text: string): boolean {
  if (FORMATS[format] !== 'string') return true
  // ajv-formats looks at each line by itself.
  if (format === 'byte') return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  const check: unknown = (fullFormats as Readonly<Record<string, unknown>>)[format]
  if (check instanceof RegExp) {
    check.lastIndex = 0
    return check.test(text)
  }
  if (typeof check === 'function') return Boolean((check as (text: string) => unknown)(text))
  if (typeof check === 'object' && check !== null && 'validate' in check && typeof check.validate === 'function') {
    return Boolean((check.validate as (text: string) => unknown)(text))
  }
  return true
}
