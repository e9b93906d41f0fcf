import { expect, test } from 'vitest'
import type { JsonSchema } from '../model/schema.ts'
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

const draft = (version: string): { $schema: string } => ({ $schema: `http://json-schema.org/${version}/schema#` })
const late = { $schema: 'https://json-schema.org/draft/2019-09/schema' }

test.each<[string, JsonSchema, JsonSchema]>([
  [
    'dependencies of draft-07',
    { ...draft('draft-07'), dependencies: { a: ['b'] } },
    { ...draft('draft-07'), type: 'object', properties: { a: {}, b: {} } },
  ],
  ['a tuple of draft-07', { ...draft('draft-07'), items: [{ type: 'string' }] }, { type: 'array', minItems: 1 }],
  ['a tuple of 2019-09', { ...late, items: [{ type: 'string' }] }, { type: 'array', minItems: 1 }],
  ['exclusiveMinimum: true of draft-04', { ...draft('draft-04'), minimum: 1, exclusiveMinimum: true }, { const: 1 }],
  [
    'what stands beside $ref in the writer says nothing in draft-06',
    { maximum: 5 },
    { ...draft('draft-06'), definitions: { n: { type: 'integer' } }, allOf: [{ $ref: '#/definitions/n', maximum: 5 }] },
  ],
])('the dialect is what $schema says: %s', (_name, reader, writer) => {
  expect(accepts(reader, writer)).toMatchObject({ answer: 'no', differences: [{ answer: 'no' }] })
})

test('$recursiveRef of 2019-09 leads somewhere', () => {
  const reader = { ...late, type: 'object', properties: { inner: { $recursiveRef: '#' } } }
  const writer = { type: 'object', properties: { inner: { type: 'string' } } }
  expect(accepts(reader, writer).differences).toMatchObject([{ path: '/inner', keyword: 'type' }])
})

test('an option says more than $schema; schemas of a system are 2020-12', () => {
  const reader = { ...draft('draft-07'), dependentRequired: { a: ['b'] } }
  const writer = { type: 'object', required: ['a'], properties: { a: {} } }
  expect(accepts(reader, writer).answer).toBe('yes')
  expect(accepts(reader, writer, { readerDialect: '2020-12' }).answer).toBe('no')
  expect(accepts(reader, writer, { readerSchemas: {} }).answer).toBe('no')
})

test('what is no schema is refused by its name; booleans are schemas', () => {
  const call = accepts as (reader: unknown, writer: unknown) => { answer: string }
  expect(() => call(null, {})).toThrow(new TypeError('accepts: the reader is null; a schema is an object or a boolean'))
  expect(() => call({}, [])).toThrow(
    new TypeError('accepts: the writer is an array; a schema is an object or a boolean'),
  )
  expect(() => call(undefined, {})).toThrow(TypeError)
  expect(() => call('string', {})).toThrow(TypeError)
  expect([call(true, {}).answer, call(false, {}).answer, call(false, false).answer]).toEqual(['yes', 'no', 'yes'])
})
