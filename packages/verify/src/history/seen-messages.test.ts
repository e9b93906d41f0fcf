import { describe, expect, test } from 'vitest'
import { isAbout, names, shownBy } from './seen-messages.ts'

const message = (data: unknown, attributes: Record<string, string> = {}) => ({
  channel: 'parcels.booked',
  attributes: { source: '/parcels', id: '1', type: 'parcelBooked', ...attributes },
  data: JSON.stringify(data),
})

describe('a marker is found', () => {
  test.each([
    ['as it is', '"run-m1"', true],
    ['at the end of a text', 'run-m1', true],
    ['with more behind it', '"run-m1/receipt"', true],
    ['behind one that only begins like it', '"run-m12", "run-m1"', true],
    ['not in one that only begins like it', '"run-m12"', false],
    ['not in several of those', '"run-m10 run-m11 run-m199"', false],
    ['not where it is not', '"run-m2"', false],
  ])('%s', (_, text, found) => {
    expect(names(text, 'run-m1')).toBe(found)
  })
})

describe('a message is about a marker', () => {
  test('that stands in its payload, and not about one that only begins like it', () => {
    expect(isAbout(message({ reference: 'run-m1' }), undefined, 'run-m1')).toBe(true)
    expect(isAbout(message({ reference: 'run-m12' }), undefined, 'run-m1')).toBe(false)
    expect(isAbout(message({ reference: 'run-m12' }), undefined, 'run-m12')).toBe(true)
  })

  test('that is its correlation id, all of it, where `where` does not say more', () => {
    const caused = message({ total: 3 }, { correlationid: 'run-m1' })
    expect(isAbout(caused, undefined, 'run-m1')).toBe(true)
    expect(isAbout(caused, { total: 3 }, 'run-m1')).toBe(false)
    expect(isAbout(message({ total: 3 }, { correlationid: 'run-m12' }), undefined, 'run-m1')).toBe(false)
  })

  test('that stands where `where` says', () => {
    const where = { parcel: { reference: '$marker' } }
    expect(isAbout(message({ parcel: { reference: 'run-m1', weight: 3 } }), where, 'run-m1')).toBe(true)
    expect(isAbout(message({ parcel: { reference: 'other' }, note: 'run-m1' }), where, 'run-m1')).toBe(false)
    expect(isAbout({ ...message({}), data: 'run-m1, and no JSON' }, where, 'run-m1')).toBe(false)
  })
})

test('the messages that show an effect: of the channel and type, each (source, id) once', () => {
  const one = message({ reference: 'run-m1' })
  const seen = [
    one,
    message({ reference: 'run-m1' }),
    message({ reference: 'run-m12' }, { id: '2' }),
    message({ reference: 'run-m1' }, { id: '3', type: 'parcelLost' }),
    { ...message({ reference: 'run-m1' }, { id: '4' }), channel: 'parcels.orders' },
    message({ reference: 'run-m1' }, { id: '5' }),
  ]
  const found = shownBy(seen, { channel: 'parcels.booked', type: 'parcelBooked', times: 1 }, 'run-m1')
  expect(found.map(({ attributes }) => attributes.id)).toEqual(['1', '5'])
  expect(found[0]).toBe(one)
})
