import { expect, it } from 'vitest'
import { POISON_POSTCODE, purchase, STOREFRONTS } from './purchase.ts'
import { seeded } from './random.ts'

const many = Array.from({ length: 3000 }, (_, index) => purchase(7, index, { poisons: true }))

it('is the same day for the same seed, and another for another', () => {
  expect(many).toEqual(Array.from({ length: 3000 }, (_, index) => purchase(7, index, { poisons: true })))
  expect(many.slice(0, 50)).not.toEqual(Array.from({ length: 50 }, (_, index) => purchase(8, index, { poisons: true })))
})

it('has every manner, declined cards, unknown products and places nobody delivers to', () => {
  const kinds = new Map<string, number>()
  for (const { manner } of many) kinds.set(manner.kind, (kinds.get(manner.kind) ?? 0) + 1)
  expect([...kinds.keys()].sort()).toEqual([
    'asks-again',
    'impatient',
    'once',
    'reuses-key',
    'twice-at-once',
    'walks-away',
  ])
  for (const count of kinds.values()) expect(count).toBeGreaterThan(50)
  expect(many.filter(({ basket }) => basket.cardToken.endsWith('0002')).length).toBeGreaterThan(150)
  expect(many.filter(({ basket }) => basket.postcode.startsWith('99')).length).toBeGreaterThan(150)
  expect(many.filter(({ basket }) => basket.sku === 'philosophers-stone').length).toBeGreaterThan(20)
})

it('repeats keys between storefronts only, and references never', () => {
  expect(new Set(many.map(({ key, storefront }) => `${storefront} ${key}`)).size).toBe(many.length)
  expect(new Set(many.map(({ key }) => key)).size).toBe(many.length / STOREFRONTS.length)
  expect(new Set(many.map(({ basket }) => basket.reference)).size).toBe(many.length)
})

it('poisons only where it is asked to, within the first orders of a day, and only orders that get that far', () => {
  expect(many.slice(0, 30).some(({ poison }) => poison)).toBe(true)
  for (const { poison, basket } of many) expect(basket.postcode === POISON_POSTCODE).toBe(poison)
  for (const { poison, basket } of many) expect(poison && basket.cardToken.endsWith('0002')).toBe(false)
  expect(
    Array.from({ length: 300 }, (_, index) => purchase(7, index, { poisons: false })).some(({ poison }) => poison),
  ).toBe(false)
})

it('draws evenly', () => {
  const random = seeded(42)
  const counts = Array.from({ length: 10 }, () => 0)
  for (let draw = 0; draw < 100_000; draw++) {
    const number = random.between(0, 9)
    counts[number] = (counts[number] ?? 0) + 1
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400)
})
