import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codePointLength } from './code-point-length.ts'

test.each([
  ['', 0],
  ['abc', 3],
  ['é', 1],
  ['e\u0301', 2],
  ['\u{1F600}', 1],
  ['a\u{1F600}b\u{10FFFF}', 4],
  ['\u{1F468}\u200d\u{1F469}', 3],
  // lone surrogates, in every place
  ['\ud83d', 1],
  ['\ude00', 1],
  ['\ude00\ud83d', 2],
  ['\ud83d\ud83d\ude00', 2],
  ['\ud83dx', 2],
])('%j has %i code points', (text, length) => expect(codePointLength(text)).toBe(length))

test('counts what an iterator counts', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
      (text, units) => {
        expect(codePointLength(text)).toBe(Array.from(text).length)
        expect(codePointLength(units)).toBe(Array.from(units).length)
      },
    ),
  )
})
