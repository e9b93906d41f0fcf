import { expect, test } from 'vitest'
import { accepts } from './accepts.ts'

test('a schema accepts what it describes', () => {
  expect(accepts({ type: 'string' }, { type: 'string' })).toEqual({ answer: 'yes', differences: [] })
})

test('a tighter bound is a difference with places, values and a witness', () => {
  const reader = { type: 'object', properties: { total: { type: 'integer', minimum: 1 } } }
  const writer = { type: 'object', properties: { total: { type: 'integer', minimum: 0 } } }
  expect(accepts(writer, reader).answer).toBe('yes')
  expect(accepts(reader, writer)).toEqual({
    answer: 'no',
    differences: [
      {
        answer: 'no',
        path: '/total',
        keyword: 'minimum',
        reader: { pointer: '/properties/total/minimum', value: 1 },
        writer: { pointer: '/properties/total/minimum', value: 0 },
        witness: { total: 0 },
      },
    ],
  })
})
