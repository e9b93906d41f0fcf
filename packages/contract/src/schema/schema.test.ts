import { describe, expect, test } from 'vitest'
import { lookUp, typeOf } from './look-through.ts'
import { unicodePattern } from './pattern.ts'
import { schemaName } from './schema-name.ts'

describe('the name of a schema', () => {
  test.each([
    ['/components/schemas/Order', 'Order'],
    ['/components/schemas/order-line', 'OrderLine'],
    ['/components/schemas/Order/properties/lines/items', 'OrderLinesItem'],
    ['/components/messages/orderPlaced/payload', 'OrderPlacedPayload'],
    ['/definitions/Line', 'Line'],
    ['/components/schemas/A/$defs/B', 'B'],
    ['/paths/~1orders/post/requestBody/content/application~1json/schema', 'PostRequestBodyApplicationJson'],
    ['/components/schemas/2fa', 'Schema2fa'],
    ['', 'MoneyAmount'],
  ])('%s is %s', (pointer, expected) => {
    expect(schemaName({ file: '/a/money-amount.schema.json', line: 1, column: 1, pointer })).toBe(expected)
  })
})

describe('patterns compile with `u`', () => {
  test.each([
    ['^[a-z]+$', '^[a-z]+$'],
    ['^\\w+\\@\\w+$', '^\\w+@\\w+$'],
    ['a\\-b', 'a-b'],
    ['[a\\-b]\\_', '[a\\-b]_'],
    ['^\\p{L}+$', '^\\p{L}+$'],
    ['\\/path', '\\/path'],
    ['^{[0-9]{4}}$', '^\\{[0-9]{4}\\}$'],
    ['a]{2,}', 'a\\]{2,}'],
    ['[a-', undefined],
    ['(', undefined],
  ])('%s', (written, expected) => {
    expect(unicodePattern(written)).toBe(expected)
  })
})

describe('looking into schemas', () => {
  const named = {
    Order: { schema: { properties: { id: { type: 'string' }, next: { $ref: '#/$defs/Order' } } } },
    Base: { schema: { allOf: [{ $ref: '#/$defs/Order' }, { properties: { total: { type: ['null', 'integer'] } } }] } },
    Loop: { schema: { allOf: [{ $ref: '#/$defs/Loop' }] } },
  }
  const base = { $ref: '#/$defs/Base' }

  test('finds properties through references and allOf, recursively', () => {
    expect(lookUp(base, ['total'], named)).toMatchObject({ found: true })
    expect(lookUp(base, ['next', 'next', 'id'], named)).toEqual({ found: true, schema: { type: 'string' } })
    expect(lookUp(base, [], named)).toMatchObject({ found: true })
  })

  test('misses what is not there', () => {
    expect(lookUp(base, ['next', 'ident'], named)).toEqual({
      found: false,
      missing: 'ident',
      properties: ['id', 'next'],
    })
  })

  test('is quiet where it cannot know', () => {
    expect(lookUp(true, ['a'], named)).toEqual({ found: 'unknown' })
    expect(lookUp({}, ['a'], named)).toEqual({ found: 'unknown' })
    expect(lookUp({ $ref: '#/$defs/Loop' }, ['a'], named)).toEqual({ found: 'unknown' })
    expect(lookUp({ properties: { b: {} }, oneOf: [{}] }, ['a'], named)).toEqual({ found: 'unknown' })
    expect(lookUp({ properties: { b: {} }, additionalProperties: {} }, ['a'], named)).toEqual({ found: 'unknown' })
  })

  test('knows the one type of a value', () => {
    expect(typeOf({ type: ['integer', 'null'] }, named)).toBe('integer')
    expect(typeOf({ enum: ['a', null] }, named)).toBe('string')
    expect(typeOf({ const: 1 }, named)).toBe('number')
    expect(typeOf({ type: ['integer', 'string'] }, named)).toBeUndefined()
    expect(typeOf({ $ref: '#/$defs/Loop' }, named)).toBeUndefined()
  })
})
