/** What each JSON Schema form becomes in TypeScript. */
import { describe, expect, test } from 'vitest'
import type { JsonSchema } from '../model/schema.ts'
import { renderType, type TypeScope } from './type-renderer.ts'

const scope: TypeScope = { reference: (name) => name, tag: () => undefined, hoist: () => undefined }

function typeOf(schema: JsonSchema): string {
  return renderType(schema, scope).replaceAll(/\s+/g, ' ')
}

const REF = { $ref: '#/$defs/Order' }

describe('scalars', () => {
  test.each<[JsonSchema, string]>([
    [{ type: 'string' }, 'string'],
    [{ type: 'string', format: 'uuid', minLength: 3, pattern: '^a' }, 'string'],
    [{ type: 'integer', minimum: 1 }, 'number'],
    [{ type: 'number' }, 'number'],
    [{ type: 'boolean' }, 'boolean'],
    [{ type: 'null' }, 'null'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ type: ['integer', 'number'] }, 'number'],
    [{ type: ['string', 'integer', 'null'] }, 'string | number | null'],
    [true, 'unknown'],
    [{}, 'unknown'],
    [{ description: 'anything' }, 'unknown'],
    [false, 'never'],
    [{ minimum: 3 }, 'unknown'],
  ])('%j is %s', (schema, type) => expect(typeOf(schema)).toBe(type))
})

describe('enum and const', () => {
  test.each<[JsonSchema, string]>([
    [{ enum: ['a', 'b'] }, `'a' | 'b'`],
    [{ type: 'string', enum: ['a', 1, null] }, `'a'`],
    [{ type: ['string', 'null'], enum: ['a', null] }, `'a' | null`],
    [{ type: 'integer', enum: [1, 1.5, 2] }, '1 | 2'],
    [{ enum: [true, false, -1, 1e300] }, 'true | false | -1 | 1e+300'],
    [{ enum: ["it's", 'a"b', 'line\nbreak', 'back\\slash'] }, `'it\\'s' | 'a"b' | 'line\\nbreak' | 'back\\\\slash'`],
    [{ enum: [] }, 'never'],
    [{ enum: ['a', 'a'] }, `'a'`],
    [{ const: 'x' }, `'x'`],
    [{ const: null }, 'null'],
    [{ const: { a: [1, 'b'], 'c-d': {} } }, `{ a: [1, 'b']; 'c-d': Record<string, never> }`],
    [{ const: [] }, '[]'],
    [{ type: 'string', const: 'x' }, `'x'`],
  ])('%j is %s', (schema, type) => expect(typeOf(schema)).toBe(type))
})

describe('objects', () => {
  test.each<[JsonSchema, string]>([
    [{ type: 'object' }, 'Record<string, unknown>'],
    [{ type: 'object', additionalProperties: false }, 'Record<string, never>'],
    [{ type: 'object', properties: {}, additionalProperties: true }, '{ [key: string]: unknown }'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, '{ [key: string]: number }'],
    [
      { type: 'object', required: ['a'], properties: { a: { type: 'string' }, b: { type: 'integer' } } },
      '{ a: string b?: number }',
    ],
    [{ properties: { a: true } }, '{ a?: unknown }'],
    [
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true },
      '{ a?: string [key: string]: unknown }',
    ],
    [
      {
        type: 'object',
        required: ['a'],
        properties: { a: { type: 'string' } },
        additionalProperties: { type: 'number' },
      },
      '{ a: string [key: string]: string | number }',
    ],
    [
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'number' } },
      '{ a?: string [key: string]: string | number | undefined }',
    ],
    [
      { type: 'object', patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false },
      '{ [key: `x-${string}`]: string }',
    ],
    [
      { type: 'object', patternProperties: { '^x-': true, '^[a-z]$': { type: 'string' } } },
      '{ [key: string]: unknown }',
    ],
    [{ type: 'object', required: ['a'] }, '{ a: unknown }'],
    [
      { type: 'object', required: ['a'], additionalProperties: { type: 'string' } },
      '{ a: string [key: string]: string }',
    ],
    [
      { type: 'object', properties: { 'a-b': true, "it's": true, class: true, __proto__x: true } },
      `{ 'a-b'?: unknown 'it\\'s'?: unknown class?: unknown __proto__x?: unknown }`,
    ],
    [JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}'), `{ ["__proto__"]?: string }`],
    [{ type: ['object', 'null'], properties: { a: true } }, '{ a?: unknown } | null'],
    [{ type: 'object', properties: { a: false } }, '{ a?: never }'],
    [{ type: 'object', properties: { a: true }, unevaluatedProperties: false }, '{ a?: unknown }'],
  ])('%j is %s', (schema, type) => expect(typeOf(schema)).toBe(type))

  test('descriptions, formats, defaults and deprecation become comments', () => {
    const schema = {
      type: 'object',
      properties: {
        id: { type: 'string', format: 'uuid', description: 'The order.' },
        note: { type: 'string', description: 'two\n\nparagraphs */ end', deprecated: true, default: 'none' },
      },
    }
    expect(renderType(schema, scope, '')).toBe(
      [
        '{',
        '  /**',
        '   * The order.',
        '   * @format uuid',
        '   */',
        '  id?: string',
        '  /**',
        '   * two',
        '   *',
        '   * paragraphs *\\/ end',
        '   * @default "none"',
        '   * @deprecated',
        '   */',
        '  note?: string',
        '}',
      ].join('\n'),
    )
  })
})

describe('arrays and tuples', () => {
  test.each<[JsonSchema, string]>([
    [{ type: 'array' }, 'unknown[]'],
    [{ type: 'array', items: { type: 'string' } }, 'string[]'],
    [{ type: 'array', items: { type: ['string', 'null'] } }, '(string | null)[]'],
    [{ type: 'array', items: { type: 'array', items: REF } }, 'Order[][]'],
    [{ items: false }, 'never[]'],
    [{ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] }, '[string?, number?, ...unknown[]]'],
    [
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], minItems: 2, items: false },
      '[string, number]',
    ],
    [
      { type: 'array', prefixItems: [{ type: 'string' }, { type: ['number', 'null'] }], minItems: 1, items: false },
      '[string, (number | null)?]',
    ],
    [
      { type: 'array', prefixItems: [{ type: 'string' }], minItems: 1, items: { type: 'number' } },
      '[string, ...number[]]',
    ],
    [{ type: 'array', prefixItems: [{ type: 'string' }, true], minItems: 1, maxItems: 1 }, '[string]'],
    [{ type: 'array', prefixItems: [{ type: 'string' }], minItems: 1, maxItems: 1 }, '[string]'],
  ])('%j is %s', (schema, type) => expect(typeOf(schema)).toBe(type))
})

describe('composition and references', () => {
  const A = { type: 'object', required: ['a'], properties: { a: { type: 'string' } } }
  test.each<[JsonSchema, string]>([
    [REF, 'Order'],
    [{ ...REF, description: 'the order' }, 'Order'],
    [{ anyOf: [REF, { type: 'null' }] }, 'Order | null'],
    [{ oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }, 'string | string[]'],
    [{ allOf: [REF, A] }, 'Order & { a: string }'],
    [{ allOf: [REF], description: 'd' }, 'Order'],
    [{ type: 'object', allOf: [REF] }, 'Order'],
    [{ ...A, allOf: [REF] }, '{ a: string } & Order'],
    [{ ...REF, properties: { b: { type: 'number' } } }, '{ b?: number } & Order'],
    [{ allOf: [{ anyOf: [REF, { type: 'null' }] }, A] }, '(Order | null) & { a: string }'],
    [{ anyOf: [{ allOf: [REF, A] }, { type: 'null' }] }, '(Order & { a: string }) | null'],
    [
      { properties: { a: true, b: true }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      '{ a?: unknown b?: unknown } & ({ a: unknown } | { b: unknown })',
    ],
    [{ anyOf: [{ type: 'string' }, true] }, 'unknown'],
    [{ allOf: [true, { type: 'string' }] }, 'string'],
    [{ allOf: [false, { type: 'string' }] }, 'never'],
    [{ anyOf: [false, { type: 'string' }] }, 'string'],
    [{ anyOf: [{ const: 'a' }, { const: 'b' }, { const: 'a' }] }, `'a' | 'b'`],
    [{ anyOf: [REF, { type: 'string' }], oneOf: [{ const: 1 }, { const: 2 }] }, '(Order | string) & (1 | 2)'],
    [{ type: 'string', not: { const: 'x' } }, 'string'],
    [{ type: 'object', if: A, else: false }, 'Record<string, unknown>'],
    [{ type: 'array', items: { anyOf: [REF, A] } }, '(Order | { a: string })[]'],
  ])('%j is %s', (schema, type) => expect(typeOf(schema)).toBe(type))

  test('a long union is written one member a line', () => {
    const schema = { enum: Array.from({ length: 12 }, (_, index) => `a rather long member ${index}`) }
    expect(renderType(schema, scope).split('\n')).toHaveLength(13)
  })
})
