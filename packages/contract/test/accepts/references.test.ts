import { describe, expect, test } from 'vitest'
import { accepts, createAccepts, type JsonSchema } from '../../src/index.ts'

describe('references', () => {
  test('of a service lead to its named schemas, recursively', () => {
    const names = (total: JsonSchema) => ({
      Order: {
        schema: { type: 'object', properties: { total, parts: { type: 'array', items: { $ref: '#/$defs/Order' } } } },
      },
    })
    const relation = createAccepts({
      readerSchemas: names({ type: 'number' }),
      writerSchemas: names({ type: 'string' }),
    })
    const { answer, differences } = relation({ $ref: '#/$defs/Order' }, { $ref: '#/$defs/Order' })
    expect(answer).toBe('no')
    expect(differences).toHaveLength(1)
    expect(differences[0]).toMatchObject({
      path: '/total',
      keyword: 'type',
      reader: { pointer: '/$defs/Order/properties/total/type', value: 'number' },
      writer: { pointer: '/$defs/Order/properties/total/type', value: 'string' },
    })
    const list = { type: 'array', items: { $ref: '#/$defs/Order' } }
    expect(relation(list, list).differences[0]?.path).toBe('/*/total')
  })

  test('relative $id, $anchor and $defs inside a document', () => {
    const reader = {
      $id: 'https://example.org/orders/order.json',
      properties: { sku: { $ref: 'sku.json' }, count: { $ref: '#count' }, more: { $ref: '#/$defs/more' } },
      $defs: {
        sku: { $id: 'sku.json', type: 'string' },
        count: { $anchor: 'count', type: 'integer' },
        more: { type: 'boolean' },
      },
    }
    const writer = { properties: { sku: { type: 'string' }, count: { type: 'integer' }, more: { type: 'boolean' } } }
    expect(accepts(reader, writer).answer).toBe('yes')
    const wider = { properties: { sku: {}, count: { type: 'number' }, more: { type: ['boolean', 'null'] } } }
    expect(accepts(reader, wider).differences.map(({ path, reader: { pointer } }) => `${path} ${pointer}`)).toEqual([
      '/sku /$defs/sku/type',
      '/count /$defs/count/type',
      '/more /$defs/more/type',
    ])
  })

  test('a schema that contains itself (`#`) has a witness as any other, with and without an address', () => {
    const tree = (type: string, more: object = {}) => ({
      type: 'object',
      required: ['value'],
      properties: { value: { type }, parts: { type: 'array', items: { $ref: '#' } } },
      ...more,
    })
    const $schema = 'https://json-schema.org/draft/2020-12/schema'
    const told = (reader: JsonSchema, writer: JsonSchema, options = {}) => {
      const { answer, differences } = accepts(reader, writer, options)
      const [first] = differences
      return [answer, first?.path, first?.answer === 'no' ? first.witness : undefined]
    }
    const no = ['no', '/value', { value: 'a' }]
    expect(told(tree('integer'), tree('string'))).toEqual(no)
    expect(told(tree('integer', { $schema }), tree('string', { $schema }))).toEqual(no)
    expect(told(tree('integer', { $id: 'https://example.org/a' }), tree('string'))).toEqual(no)
    expect(told(tree('integer'), tree('string'), { readerSchemas: {}, writerSchemas: {} })).toEqual(no)
    expect(told(tree('number'), tree('integer'))).toEqual(['yes', undefined, undefined])
    const text = {
      type: 'object',
      required: ['value', 'parts'],
      properties: { value: {}, parts: { items: { type: 'string' } } },
    }
    expect(told(tree('integer'), text)[0]).toBe('no')
    const deep = {
      type: 'object',
      required: ['value'],
      properties: { value: { const: 1 }, parts: { items: tree('string') } },
    }
    expect(accepts(tree('integer'), deep).differences.map(({ path }) => path)).toContain('/parts/*/value')
  })

  test('$dynamicRef leads to the outermost anchor', () => {
    const tree = (data: JsonSchema): JsonSchema => ({
      $id: 'https://example.org/strict-tree',
      $dynamicAnchor: 'node',
      $ref: 'tree',
      unevaluatedProperties: false,
      $defs: {
        tree: {
          $id: 'tree',
          $dynamicAnchor: 'node',
          type: 'object',
          properties: { data, children: { type: 'array', items: { $dynamicRef: '#node' } } },
        },
      },
    })
    expect(accepts(tree({ type: 'number' }), tree({ type: 'integer' })).answer).toBe('yes')
    expect(accepts(tree({ type: 'integer' }), tree({ type: 'number' }))).toMatchObject({
      answer: 'no',
      differences: [{ path: '/data', witness: { data: 0.5 } }],
    })
  })

  test('one that leads nowhere is unknown, unless both sides have the same', () => {
    const somewhere = { $ref: 'https://elsewhere.example/schema' }
    expect(accepts(somewhere, { type: 'string' })).toMatchObject({
      answer: 'unknown',
      differences: [{ keyword: '$ref', reason: expect.stringContaining('leads to no schema') }],
    })
    expect(accepts(somewhere, { ...somewhere }).answer).toBe('yes')
  })
})

describe('dialects', () => {
  const old = { readerDialect: 'draft-07', writerDialect: 'draft-07' } as const
  const openapi = { readerDialect: 'openapi-3.0', writerDialect: 'openapi-3.0' } as const

  test('draft-07: tuples, dependencies, definitions, nothing beside $ref', () => {
    const tuple = { items: [{ type: 'string' }], additionalItems: false }
    expect(
      accepts({ prefixItems: [{ type: 'string' }], items: false }, tuple, { writerDialect: 'draft-07' }).answer,
    ).toBe('yes')
    expect(accepts({ dependencies: { a: ['b'] } }, { properties: { a: {}, b: {} } }, old).differences[0]).toMatchObject(
      {
        keyword: 'dependentRequired',
      },
    )
    const beside = { $ref: '#/definitions/text', maxLength: 1, definitions: { text: { type: 'string' } } }
    expect(accepts(beside, { type: 'string' }, old).answer).toBe('yes')
    expect(accepts(beside, { type: 'string' }).answer).toBe('no')
  })

  test('OpenAPI 3.0: nullable, boolean exclusiveMinimum', () => {
    expect(accepts({ type: 'string' }, { type: 'string', nullable: true }, openapi).differences).toMatchObject([
      { keyword: 'type', witness: null },
    ])
    const above = { type: 'number', minimum: 0, exclusiveMinimum: true }
    expect(accepts(above, { type: 'number', minimum: 0 }, openapi).differences).toMatchObject([{ witness: 0 }])
  })
})

describe('a report', () => {
  test('lists all differences, each once, in a stable order', () => {
    const money = { type: 'object', properties: { amount: { type: 'number' }, currency: { type: 'string' } } }
    const strictMoney = {
      type: 'object',
      required: ['amount'],
      properties: { amount: { type: 'integer' }, currency: { enum: ['EUR'] } },
    }
    const of = (schema: JsonSchema): JsonSchema => ({
      type: 'object',
      properties: { net: { $ref: '#/$defs/Money' }, gross: { $ref: '#/$defs/Money' } },
      $defs: { Money: schema },
    })
    const found = accepts(of(strictMoney), of(money)).differences
    expect(found.map(({ path, keyword }) => `${path} ${keyword}`)).toEqual([
      '/net required',
      '/net/amount type',
      '/net/currency enum',
    ])
    expect(accepts(of(strictMoney), of(money)).differences).toEqual(found)
  })

  test('says unknown when the budget is spent, and never no', () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ properties: { [`p${index}`]: { minimum: index } } }))
    const result = accepts(
      { anyOf: many },
      { allOf: many.map((each) => ({ anyOf: [each, { maxProperties: 3 }] })) },
      { budget: 2, policy: 'strict' },
    )
    expect(result.answer).toBe('unknown')
    expect(result.differences.every((difference) => difference.answer === 'unknown')).toBe(true)
  })
})

test('a chain too long for the stack is unknown, and spoils nothing', { timeout: 120_000 }, () => {
  const chain = (length: number, last: JsonSchema): Record<string, { schema: JsonSchema }> => {
    const names: Record<string, { schema: JsonSchema }> = { End: { schema: last } }
    for (let index = 0; index < length; index++) {
      const $ref = index + 1 === length ? '#/$defs/End' : `#/$defs/N${index + 1}`
      names[`N${index}`] = { schema: { type: 'object', properties: { next: { $ref } } } }
    }
    return names
  }
  const relation = createAccepts({
    readerSchemas: chain(4_000, { type: 'string' }),
    writerSchemas: chain(4_000, { type: 'integer' }),
  })
  expect(relation({ $ref: '#/$defs/N0' }, { $ref: '#/$defs/N0' }).answer).toBe('unknown')
  expect(relation({ $ref: '#/$defs/N3990' }, { $ref: '#/$defs/N3990' }).answer).toBe('no')
  expect(relation({ type: 'object' }, { $ref: '#/$defs/N0' }).answer).toBe('yes')
})
