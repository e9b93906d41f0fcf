/** Each format, by what it must take and what it must not: bounds, Unicode, and the near misses of its RFC. */
import { describe, expect, test } from 'vitest'
import { formats, numberFormats, stringFormats } from './formats.ts'

const strings: Record<keyof typeof stringFormats, { valid: string[]; invalid: string[] }> = {
  date: {
    valid: ['2024-02-29', '2000-02-29', '0000-01-01', '9999-12-31'],
    invalid: [
      '2023-02-29',
      '1900-02-29',
      '2024-00-10',
      '2024-13-01',
      '2024-04-31',
      '2024-01-00',
      '24-01-01',
      '2024-1-1',
      '2024-01-01 ',
      '২০২৪-01-01',
      '',
    ],
  },
  time: {
    valid: [
      '00:00:00Z',
      '23:59:59.999999999z',
      '12:00:00+23:59',
      '12:00:00-00:00',
      '23:59:60Z',
      '01:29:60+01:30',
      '15:59:60-08:00',
    ],
    invalid: [
      '24:00:00Z',
      '12:60:00Z',
      '12:00:61Z',
      '12:00:00',
      '12:00Z',
      '12:00:00.Z',
      '22:59:60Z',
      '23:59:60+01:00',
      '12:00:00+24:00',
      '12:00:00+00:60',
      '12:00:00+0100',
      '1:00:00Z',
    ],
  },
  'date-time': {
    valid: [
      '1985-04-12T23:20:50.52Z',
      '1996-12-19t16:39:57-08:00',
      '1990-12-31T23:59:60Z',
      '1990-12-31T15:59:60-08:00',
    ],
    invalid: [
      '1985-04-12 23:20:50Z',
      '1985-04-12T23:20:50',
      '1985-02-30T23:20:50Z',
      '1985-04-12',
      'T23:20:50Z',
      '1985-04-12TT23:20:50Z',
      '1990-12-31T23:58:60Z',
    ],
  },
  duration: {
    valid: ['P1Y', 'P1Y2M3DT4H5M6S', 'PT36H', 'P4W', 'P1Y1D', 'PT1H1S', 'P0D'],
    invalid: ['P', 'PT', 'P1', '1D', 'P1DT', 'P1D2H', 'P1W2D', 'PT1D', 'P1M1Y', 'P-1D', 'PT0.5S', 'p1d', 'P1D '],
  },
  email: {
    valid: [
      'a@example.org',
      'first.last+tag@sub.example.org',
      "!#$%&'*+/=?^_`{|}~-@example.org",
      '"a b"@example.org',
      String.raw`"a\"b@c"@example.org`,
      'a@localhost',
      'a@[127.0.0.1]',
      'a@[IPv6:::1]',
      `${'a'.repeat(64)}@example.org`,
    ],
    invalid: [
      '',
      '@',
      'a@',
      '@example.org',
      '.a@example.org',
      'a.@example.org',
      'a..b@example.org',
      'a b@example.org',
      'a@b@example.org',
      '"a"b@example.org',
      'a@-example.org',
      'a@example..org',
      'a@[300.0.0.1]',
      'a@[::1]',
      'a@[127.0.0.1',
      `${'a'.repeat(65)}@example.org`,
      'ü@example.org',
      `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(20)}`,
    ],
  },
  hostname: {
    valid: [
      'a',
      'example.org',
      'xn--4gbwdl.xn--wgbh1c',
      '1host',
      'a-b.c',
      'A'.repeat(63),
      Array.from({ length: 4 }, () => 'a'.repeat(62)).join('.'),
    ],
    invalid: [
      '',
      '.',
      'a.',
      '.a',
      'a..b',
      '-a',
      'a-',
      'a_b',
      'a b',
      'ü.de',
      'A'.repeat(64),
      Array.from({ length: 4 }, () => 'a'.repeat(63)).join('.'),
    ],
  },
  ipv4: {
    valid: ['0.0.0.0', '255.255.255.255', '127.0.0.1'],
    invalid: [
      '256.0.0.0',
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '1.2.3.4 ',
      '1.2.3.-4',
      '1.2..4',
      '0x7f.0.0.1',
      '১.2.3.4',
      '1.2.3.1e1',
    ],
  },
  ipv6: {
    valid: [
      '::',
      '::1',
      '1::',
      '1:2:3:4:5:6:7:8',
      '1::8',
      '1:2:3:4:5:6:7::',
      '::2:3:4:5:6:7:8',
      'fe80::1',
      '::ffff:192.168.0.1',
      '1:2:3:4:5:6:1.2.3.4',
      'ABCD:EF01::',
    ],
    invalid: [
      '',
      ':',
      ':::',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      '12345::',
      '1:2:3:4:5:6:7:8::',
      'g::',
      '1.2.3.4',
      '::1.2.3',
      '::1.2.3.256',
      '1.2.3.4::',
      '::1.2.3.4:5',
      'fe80::1%eth0',
      '1:',
      ':1',
      '1::2:',
      '::1 ',
    ],
  },
  uri: {
    valid: [
      'http://example.org',
      'http://a:b@example.org:8080/p;x=1/q?y=%20#f',
      'urn:isbn:0451450523',
      'mailto:a@example.org',
      'file:///etc/hosts',
      'http://[::1]:80/',
      'http://[v7.a:b]/',
      'tel:+1-816-555-1212',
      'http://example.org?q',
      'a:',
      'http://',
      'http://a:/',
    ],
    invalid: [
      '',
      '/path',
      '//host/path',
      'example',
      '1http://a',
      'http://a b',
      'http://ex\u00fc.org',
      'http://a/%2',
      'http://a/%zz',
      'http://a/<>',
      String.raw`http:\\a`,
      'http://[::1',
      'http://[1.2.3.4]/',
      'http://a:80a/',
      'http://a/"',
      '://a',
      ':a',
      'http://a#b#c',
      'http://a/{x}',
      'http://a\n',
    ],
  },
  'uri-reference': {
    valid: ['', '/', 'a', 'a/b:c', './a:b', '//host/a', '?q', '#f', 'http://example.org/a', '../a'],
    invalid: [':a', '1a:b', 'a b', String.raw`\a`, '#a#b', '%', '//[::1', '{a}'],
  },
  'uri-template': {
    valid: ['', 'http://example.org/{id}', '{+path}/here', '{?x,y}', '{&x*}', '{x:3}', 'a%20b', '{a.b}', '{=a}', 'ü'],
    invalid: ['{', '}', '{}', '{a', 'a}', '{a{b}}', '{a b}', '{x:0}', '{x:12345}', '%2', '<a>', 'a b'],
  },
  uuid: {
    valid: [
      '2eb8aa08-aa98-11ea-b4aa-73b441d16380',
      '2EB8AA08-AA98-11EA-B4AA-73B441D16380',
      '00000000-0000-0000-0000-000000000000',
    ],
    invalid: [
      '',
      '2eb8aa08-aa98-11ea-b4aa-73b441d1638',
      '2eb8aa08aa9811eab4aa73b441d16380',
      'urn:uuid:2eb8aa08-aa98-11ea-b4aa-73b441d16380',
      '{2eb8aa08-aa98-11ea-b4aa-73b441d16380}',
      '2eb8aa08-aa98-11ea-b4aa-73b441d1638g',
      '2eb8aa08-aa98-11ea-b4aa-73b441d16380\n',
    ],
  },
  'json-pointer': {
    valid: ['', '/', '/a/b', '/a~0b/c~1d', '/0', '//', '/ü'],
    invalid: ['a', '/a~', '/a~2', '#/a', '/~'],
  },
  'relative-json-pointer': {
    valid: ['0', '1/a', '12#', '0/'],
    invalid: ['', '/a', '-1', '01', '1a', '0##', '1/~2', '+1'],
  },
  regex: {
    valid: ['', '^a+$', String.raw`\p{L}`, '(?<year>\\d{4})'],
    invalid: ['(', '[a', String.raw`\p{Nope}`, 'a**', '^(abc]'],
  },
  byte: {
    valid: ['', 'YQ==', 'YWI=', 'YWJj', '+/+/'],
    invalid: ['YQ', 'YQ=', 'Y===', 'YQ==YQ==', 'Y Q=', 'YWJ_', 'YQ==\n'],
  },
}

describe.each(Object.entries(strings))('%s', (format, { valid, invalid }) => {
  const check = stringFormats[format as keyof typeof stringFormats]
  test.each(valid)('takes %j', (text) => expect(check(text)).toBe(true))
  test.each(invalid)('refuses %j', (text) => expect(check(text)).toBe(false))
})

const MAX_INT64 = 9223372036854775807n

const bounds: Record<keyof typeof numberFormats, [low: number, high: number]> = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  int64: [Number(-MAX_INT64 - 1n), Number(MAX_INT64)],
  uint8: [0, 255],
  uint16: [0, 65535],
  uint32: [0, 4294967295],
  uint64: [0, Number(MAX_INT64 * 2n + 1n)],
}

describe.each(Object.entries(bounds))('%s', (format, [low, high]) => {
  const check = numberFormats[format as keyof typeof numberFormats]
  // Near 2^63 the next double is 2048 away.
  const step = Math.abs(high) > Number.MAX_SAFE_INTEGER ? 4096 : 1
  test('takes its bounds', () => expect([low, 0, 1, high].map(check)).toEqual([true, true, true, true]))
  test('refuses what is past them, fractions and what is no number', () => {
    const beyond = low === 0 ? -1 : low - step
    expect([beyond, high + step, 0.5, Number.NaN, Infinity, -Infinity].map(check)).toEqual(Array(6).fill(false))
  })
})

test('every format has its row here', () => {
  expect(Object.keys(formats).toSorted()).toEqual([...Object.keys(strings), ...Object.keys(bounds)].toSorted())
})

test('time is linear in the text, whatever it is', () => {
  const nasty = ['a', '1', '.', '-', '/', '%41', '{a}', '~0', ':', '1:', '@', 'a.', '"', 'P1D', ' ', '=', '\u{1F600}']
  const started = performance.now()
  for (const piece of nasty) {
    const text = piece.repeat(Math.ceil(200_000 / piece.length))
    for (const check of Object.values(stringFormats)) {
      for (const each of [text, `${text}!`, `a${text}\n`, `P${text}`, `http://${text}`, `a@${text}`]) check(each)
    }
  }
  // 17 × 16 × 6 texts of 200 kB; a quadratic one alone would take minutes.
  expect(performance.now() - started).toBeLessThan(20_000)
})
