import { expect, test } from 'vitest'
import { partitionOf } from './partition.ts'

test('a key always goes to the same partition: published values of FNV-1a', () => {
  // Test vectors of the hash's own description: '' 811c9dc5, 'a' e40c292c, 'foobar' bf9cf968.
  expect(partitionOf('', 2 ** 32)).toBe(0x811c9dc5)
  expect(partitionOf('a', 2 ** 32)).toBe(0xe40c292c)
  expect(partitionOf('foobar', 2 ** 32)).toBe(0xbf9cf968)
})

test('a key outside ASCII is hashed as UTF-8', () => {
  let hash = 0x811c9dc5
  for (const byte of [0xc3, 0xbc]) hash = Math.imul(hash ^ byte, 0x01000193)
  expect(partitionOf('ü', 2 ** 32)).toBe(hash >>> 0)
})

test('keys spread over the partitions', () => {
  const counts = Array.from({ length: 8 }, () => 0)
  for (let order = 0; order < 8000; order++) counts[partitionOf(`ord_${order}`, 8)]!++
  expect(Math.min(...counts)).toBeGreaterThan(800)
})
