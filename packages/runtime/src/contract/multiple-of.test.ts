import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMultipleOf } from './multiple-of.ts'

describe('isMultipleOf', () => {
  test.each([
    [19.99, 0.01],
    [0.3, 0.1],
    [1.1, 0.1],
    [4.35, 0.05],
    [0, 0.01],
    [-0, 3],
    [-9, 3],
    [1e308, 1e300],
    [1e300, 0.5],
    [12391239123, 1e-8],
    [2 ** 53 + 2, 1],
    [1.5, 0.5],
    [5e-324, 5e-324],
    [1e22, 1e22],
  ])('%d is a multiple of %d', (value, divisor) => expect(isMultipleOf(value, divisor)).toBe(true))

  test.each([
    [19.999, 0.01],
    [0.35, 0.1],
    [7, 3],
    [1, 1.5],
    [1e-300, 1],
    [0.1, 1e300],
    [35, 1.5],
  ])('%d is no multiple of %d', (value, divisor) => expect(isMultipleOf(value, divisor)).toBe(false))

  test('every price in cents is a multiple of 0.01, and no other number of three decimals', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (thousandths) => {
        const price = Number(`${thousandths}e-3`)
        expect(isMultipleOf(price, 0.01)).toBe(thousandths % 10 === 0)
      }),
    )
  })
})
