import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deepEqual } from './deep-equal.ts'

describe('deepEqual', () => {
  test.each([
    [0, -0],
    [1, 1],
    [
      { a: 1, b: [1, { c: null }] },
      { b: [1, { c: null }], a: 1 },
    ],
    [[], []],
    [{}, {}],
    ['\u00e9', '\u00e9'],
  ])('%j equals %j', (a, b) => expect(deepEqual(a, b)).toBe(true))

  test.each([
    [1, '1'],
    [0, false],
    [null, {}],
    [{}, null],
    [[], {}],
    [{}, []],
    [[1], [1, 2]],
    [[undefined], []],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1 }, { b: 1 }],
    ['\u00e9', 'e\u0301'],
    [{ toString: 1 }, {}],
    [{}, { constructor: 1 }],
  ])('%j does not equal %j', (a, b) => expect(deepEqual(a, b)).toBe(false))

  test('a member named __proto__ is a member', () => {
    expect(deepEqual(JSON.parse('{"__proto__":1}'), JSON.parse('{"a":1}'))).toBe(false)
    expect(deepEqual(JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}'))).toBe(true)
  })

  test('any JSON value equals its copy with members in another order, and nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(deepEqual(a, reversed(JSON.parse(JSON.stringify(a))))).toBe(true)
        const same = canonical(a) === canonical(b)
        expect(deepEqual(a, b)).toBe(same)
      }),
      { numRuns: 500 },
    )
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, each]) => [name, reversed(each)]),
  )
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join()}}`
}
