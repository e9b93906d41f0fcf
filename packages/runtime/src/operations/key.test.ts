import { expect, test } from 'vitest'
import { headerKey } from './key.ts'

test.each([
  ['abc', 'abc'],
  ['  abc  ', 'abc'],
  ['"abc"', 'abc'],
  ['"a b"', 'a b'],
  [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
  ['"abc";v=1', 'abc'],
  ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['"abc', undefined],
  ['abc"', undefined],
  ['"a"b"', undefined],
  [String.raw`"a\b"`, undefined],
  ['ä', undefined],
  ['"ä"', undefined],
  ['', undefined],
])('%j is the key %j', (header, key) => {
  expect(headerKey(header)).toBe(key)
})
