/**
 * Named changes, each with a law: the narrower schema as reader of the wider one is rejected, by the keyword and with a
 * witness that two validators confirm; the other way round it is accepted.
 */
import { describe, expect, test } from 'vitest'
import { accepts, type AcceptsPolicy, type JsonSchema } from '../../src/index.ts'
import { ajv, hyperjump } from './oracles.ts'

interface Change {
  readonly law: string
  readonly narrow: JsonSchema
  readonly wide: JsonSchema
  /** the keyword that is blamed */
  readonly keyword: string
  /** where in the instance; default: at its root */
  readonly path?: string
  /** default: both */
  readonly policy?: AcceptsPolicy
}

const text = { type: 'string' }
const order = { type: 'object', required: ['id'], properties: { id: text, note: text } }
const tree = (name: JsonSchema): JsonSchema => ({
  $ref: '#/$defs/Tree',
  $defs: {
    Tree: {
      type: 'object',
      required: ['name'],
      properties: { name, kids: { type: 'array', items: { $ref: '#/$defs/Tree' } } },
    },
  },
})
const pay = (card: object, invoice: object = {}): JsonSchema => ({
  oneOf: [
    { type: 'object', required: ['by', 'number'], properties: { by: { const: 'card' }, number: card } },
    { type: 'object', required: ['by'], properties: { by: { const: 'invoice' }, ...invoice } },
  ],
})

const changes: readonly Change[] = [
  {
    law: 'raise minimum',
    narrow: { type: 'integer', minimum: 2 },
    wide: { type: 'integer', minimum: 1 },
    keyword: 'minimum',
  },
  {
    law: 'lower maximum',
    narrow: { type: 'number', maximum: 9.9 },
    wide: { type: 'number', maximum: 10 },
    keyword: 'maximum',
  },
  {
    law: 'make a minimum exclusive',
    narrow: { type: 'number', exclusiveMinimum: 0 },
    wide: { type: 'number', minimum: 0 },
    keyword: 'exclusiveMinimum',
  },
  {
    law: 'add an exclusive maximum',
    narrow: { type: 'number', exclusiveMaximum: 1 },
    wide: { type: 'number' },
    keyword: 'exclusiveMaximum',
  },
  {
    law: 'coarser multipleOf',
    narrow: { type: 'number', multipleOf: 0.05 },
    wide: { type: 'number', multipleOf: 0.01 },
    keyword: 'multipleOf',
  },
  { law: 'number becomes integer', narrow: { type: 'integer' }, wide: { type: 'number' }, keyword: 'type' },
  {
    law: 'integer format',
    narrow: { type: 'integer', format: 'int32' },
    wide: { type: 'integer', format: 'int64' },
    keyword: 'format',
  },
  { law: 'raise minLength', narrow: { ...text, minLength: 1 }, wide: text, keyword: 'minLength' },
  {
    law: 'lower maxLength',
    narrow: { ...text, maxLength: 10 },
    wide: { ...text, maxLength: 11 },
    keyword: 'maxLength',
  },
  { law: 'add pattern', narrow: { ...text, pattern: '^[A-Z]{3}$' }, wide: text, keyword: 'pattern' },
  {
    law: 'narrow pattern',
    narrow: { ...text, pattern: String.raw`^\d{4}$` },
    wide: { ...text, pattern: String.raw`^\d{2,6}$` },
    keyword: 'pattern',
  },
  {
    law: 'anchor a pattern',
    narrow: { ...text, pattern: '^ab' },
    wide: { ...text, pattern: 'ab' },
    keyword: 'pattern',
  },
  { law: 'add format', narrow: { ...text, format: 'date' }, wide: text, keyword: 'format' },
  {
    law: 'other format',
    narrow: { ...text, format: 'uri' },
    wide: { ...text, format: 'uri-reference' },
    keyword: 'format',
  },
  { law: 'drop enum value', narrow: { enum: ['a', 'b'] }, wide: { enum: ['a', 'b', 'c'] }, keyword: 'enum' },
  { law: 'type becomes enum', narrow: { type: 'string', enum: ['a'] }, wide: text, keyword: 'enum' },
  { law: 'other const', narrow: { const: 1 }, wide: { enum: [1, 2] }, keyword: 'const' },
  { law: 'drop null', narrow: text, wide: { type: ['string', 'null'] }, keyword: 'type' },
  {
    law: 'drop a type',
    narrow: { type: ['string', 'integer'] },
    wide: { type: ['string', 'integer', 'boolean'] },
    keyword: 'type',
  },
  { law: 'add required', narrow: { ...order, required: ['id', 'note'] }, wide: order, keyword: 'required' },
  {
    law: 'narrow a property',
    narrow: { ...order, properties: { ...order.properties, id: { ...text, maxLength: 8 } } },
    wide: order,
    keyword: 'maxLength',
    path: '/id',
  },
  {
    law: 'forbid a property',
    narrow: { ...order, properties: { id: text, note: false } },
    wide: order,
    keyword: 'false',
    path: '/note',
  },
  {
    law: 'close an open object',
    narrow: { ...order, additionalProperties: false },
    wide: order,
    keyword: 'additionalProperties',
    policy: 'strict',
  },
  {
    law: 'add an optional property',
    narrow: { ...order, properties: { ...order.properties, total: { type: 'number' } } },
    wide: order,
    keyword: 'type',
    path: '/total',
    policy: 'strict',
  },
  {
    law: 'close an explicitly open object',
    narrow: { ...order, additionalProperties: false },
    wide: { ...order, additionalProperties: true },
    keyword: 'additionalProperties',
  },
  {
    law: 'drop a property of a closed object',
    narrow: { properties: { a: text }, additionalProperties: false },
    wide: { properties: { a: text, b: text }, additionalProperties: false },
    keyword: 'additionalProperties',
  },
  {
    law: 'narrow a map',
    narrow: { type: 'object', additionalProperties: { type: 'integer' } },
    wide: { type: 'object', additionalProperties: { type: 'number' } },
    keyword: 'type',
    path: '/*',
  },
  {
    law: 'describe a free-form object',
    narrow: { type: 'object', additionalProperties: text },
    wide: { type: 'object' },
    keyword: 'type',
    path: '/*',
  },
  {
    law: 'narrow patternProperties',
    narrow: { type: 'object', patternProperties: { '^x-': text } },
    wide: { type: 'object', patternProperties: { '^x-': {} } },
    keyword: 'type',
    path: '/*',
  },
  {
    law: 'add propertyNames',
    narrow: { type: 'object', additionalProperties: text, propertyNames: { maxLength: 3 } },
    wide: { type: 'object', additionalProperties: text },
    keyword: 'propertyNames',
  },
  { law: 'add minProperties', narrow: { ...order, minProperties: 2 }, wide: order, keyword: 'minProperties' },
  { law: 'add maxProperties', narrow: { ...order, maxProperties: 1 }, wide: order, keyword: 'maxProperties' },
  {
    law: 'add dependentRequired',
    narrow: { ...order, dependentRequired: { id: ['note'] } },
    wide: order,
    keyword: 'dependentRequired',
  },
  {
    law: 'add dependentSchemas',
    narrow: { ...order, dependentSchemas: { note: { required: ['extra'] } } },
    wide: order,
    keyword: 'dependentSchemas',
  },
  {
    law: 'add unevaluatedProperties',
    narrow: { allOf: [order], unevaluatedProperties: false },
    wide: { allOf: [order, { properties: { more: text } }] },
    keyword: 'unevaluatedProperties',
  },
  { law: 'raise minItems', narrow: { type: 'array', minItems: 1 }, wide: { type: 'array' }, keyword: 'minItems' },
  {
    law: 'lower maxItems',
    narrow: { type: 'array', maxItems: 2, items: text },
    wide: { type: 'array', maxItems: 3, items: text },
    keyword: 'maxItems',
  },
  {
    law: 'add uniqueItems',
    narrow: { type: 'array', uniqueItems: true, items: text },
    wide: { type: 'array', items: text },
    keyword: 'uniqueItems',
  },
  {
    law: 'narrow items',
    narrow: { type: 'array', items: { enum: [1, 2] } },
    wide: { type: 'array', items: { enum: [1, 2, 3] } },
    keyword: 'enum',
    path: '/*',
  },
  {
    law: 'narrow a tuple',
    narrow: { type: 'array', prefixItems: [text, text] },
    wide: { type: 'array', prefixItems: [text, { type: ['string', 'null'] }] },
    keyword: 'type',
    path: '/1',
  },
  {
    law: 'close a tuple',
    narrow: { type: 'array', prefixItems: [text], items: false },
    wide: { type: 'array', prefixItems: [text] },
    keyword: 'items',
  },
  {
    law: 'add contains',
    narrow: { type: 'array', contains: { const: 1 }, items: { type: 'integer' } },
    wide: { type: 'array', items: { type: 'integer' } },
    keyword: 'contains',
  },
  {
    law: 'add maxContains',
    narrow: { type: 'array', contains: { const: 1 }, maxContains: 1 },
    wide: { type: 'array', contains: { const: 1 } },
    keyword: 'contains',
  },
  {
    law: 'add unevaluatedItems',
    narrow: { type: 'array', allOf: [{ prefixItems: [text] }], unevaluatedItems: false },
    wide: { type: 'array', allOf: [{ prefixItems: [text] }] },
    keyword: 'unevaluatedItems',
  },
  {
    law: 'drop an alternative',
    narrow: { anyOf: [text, { type: 'null' }] },
    wide: { anyOf: [text, { type: 'null' }, { type: 'integer' }] },
    keyword: 'anyOf',
  },
  {
    law: 'narrow an alternative',
    narrow: pay({ ...text, minLength: 16 }),
    wide: pay(text),
    keyword: 'minLength',
    path: '/number',
  },
  {
    law: 'drop an alternative told apart by a constant',
    narrow: { type: 'object', oneOf: [{ properties: { k: { const: 1 } }, required: ['k'] }] },
    wide: {
      type: 'object',
      oneOf: [
        { properties: { k: { const: 1 } }, required: ['k'] },
        { properties: { k: { const: 2 } }, required: ['k'] },
      ],
    },
    keyword: 'oneOf',
  },
  {
    law: 'add a schema to allOf',
    narrow: { allOf: [order, { required: ['note'] }] },
    wide: { allOf: [order] },
    keyword: 'required',
  },
  { law: 'add not', narrow: { ...text, not: { const: '' } }, wide: text, keyword: 'not' },
  {
    law: 'add a condition',
    narrow: {
      ...order,
      ...JSON.parse('{ "if": { "properties": { "id": { "const": "x" } } }, "then": { "required": ["note"] } }'),
    },
    wide: order,
    keyword: 'if',
  },
  {
    law: 'narrow inside recursion',
    narrow: tree({ ...text, maxLength: 20 }),
    wide: tree(text),
    keyword: 'maxLength',
    path: '/name',
  },
  { law: 'nothing is accepted any more', narrow: false, wide: text, keyword: 'false' },
]

describe.each(changes)('$law', ({ narrow, wide, keyword, path = '', policy }) => {
  test.each(policy === undefined ? (['tolerant', 'strict'] as const) : [policy])('%s', async (each) => {
    expect(accepts(wide, narrow, { policy: each })).toEqual({ answer: 'yes', differences: [] })
    expect(accepts(wide, wide, { policy: each }).answer).toBe('yes')
    const { answer, differences } = accepts(narrow, wide, { policy: each })
    expect(answer).toBe('no')
    expect(differences.map((difference) => `${difference.keyword} at ${difference.path}`)).toContain(
      `${keyword} at ${path}`,
    )
    for (const difference of differences) {
      if (difference.answer !== 'no') throw new Error(difference.reason)
      // int32 and int64 are OpenAPI's; hyperjump does not know them.
      const judges =
        keyword === 'format' && path === '' && JSON.stringify(wide).includes('int64') ? [ajv] : [ajv, hyperjump]
      for (const judge of judges) {
        expect(
          (await judge(wide))(difference.witness),
          `the writer may send ${JSON.stringify(difference.witness)}`,
        ).toBe(true)
        expect(
          (await judge(narrow))(difference.witness),
          `the reader rejects ${JSON.stringify(difference.witness)}`,
        ).toBe(false)
      }
    }
  })
})

test('there are more than 25 laws, each with a name of its own', () => {
  const laws = new Set(changes.map(({ law }) => law))
  console.log(`accepts: ${laws.size} named changes`)
  expect(laws.size).toBe(changes.length)
  expect(laws.size).toBeGreaterThan(25)
})

test('what the tolerant policy takes for absent is no difference', () => {
  const absent = changes.filter(({ policy }) => policy === 'strict')
  expect(absent.map(({ narrow, wide }) => accepts(narrow, wide).answer)).toEqual(['yes', 'yes'])
})
