import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, fingerprint } from './canonical.ts'

describe('canonical JSON (RFC 8785)', () => {
  test('the example of section 3.2.2', () => {
    const value = JSON.parse(
      '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001], "string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}',
    ) as unknown
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  test('the order of section 3.2.3: UTF-16 code units', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6']
    const value = Object.fromEntries(names.map((name) => [name, 0]))
    expect(Object.keys(JSON.parse(canonicalJson(value)) as object).filter((name) => name !== '1')).toEqual([
      '\r',
      '\u0080',
      '\u00f6',
      '\u20ac',
      '\u{1f600}',
      '\ufb33',
    ])
  })

  test('says the same as JSON, in one way only', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        expect(canonicalJson(JSON.parse(text))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('the order of members does not matter', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed())
        expect(fingerprint(turned)).toBe(fingerprint(value))
      }),
    )
  })

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [1n], ['\ud800'], [{ '\udc00': 1 }], [() => 1], [Symbol('a')]])(
    'refuses %o',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(/no canonical JSON form/)
    },
  )

  test('refuses great depth instead of breaking', () => {
    expect(() => canonicalJson(JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)))).toThrow(/levels/)
  })
})

test('a fingerprint depends on every part and its place', () => {
  const all = [
    fingerprint('a', 'b'),
    fingerprint('b', 'a'),
    fingerprint('a'),
    fingerprint('ab'),
    fingerprint(['a', 'b']),
    fingerprint(),
  ]
  expect(new Set(all).size).toBe(all.length)
  expect(fingerprint({ a: 1 }, undefined)).toBe(fingerprint({ a: 1, b: undefined }, null))
  expect(fingerprint('a')).toMatch(/^[\w-]{43}$/)
})
