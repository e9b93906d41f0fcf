/** Arbitrary schemas, and instances that come close to a schema; for tests of compiled validators. */
import fc from 'fast-check'
import type { JsonSchema } from '../../src/model/schema.ts'
import { subschemas } from '../../src/generate/schema-keywords.ts'

export const DEFINITIONS: Record<string, JsonSchema> = {
  Tree: {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string' }, kids: { type: 'array', items: { $ref: '#/$defs/Tree' } } },
    additionalProperties: false,
  },
  Even: {
    anyOf: [{ const: 0 }, { type: 'object', required: ['next'], properties: { next: { $ref: '#/$defs/Odd' } } }],
  },
  Odd: { type: 'object', required: ['next'], properties: { next: { $ref: '#/$defs/Even' } } },
  Money: { type: 'string', pattern: String.raw`^\d+\.\d{2}$` },
  Base: { type: 'object', required: ['kind'], properties: { kind: { type: 'string' } } },
}

/** JSON values made of what a schema mentions, of its near misses, and of a few strangers. */
export function instancesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const values: unknown[] = [null, true, 0, 1, 1.5, '', 'x', [], {}]
  const members = new Set(['a', 'b', 'stranger'])
  const seen = new Set<JsonSchema>()
  const visit = (each: JsonSchema): void => {
    if (seen.has(each) || typeof each === 'boolean') return
    seen.add(each)
    for (const [keyword, value] of Object.entries(each)) {
      if (keyword === 'enum' && Array.isArray(value)) values.push(...value)
      if (keyword === 'const') values.push(value)
      if (keyword === 'properties') for (const name of Object.keys(value as object)) members.add(name)
      if (keyword === 'required') for (const name of value as string[]) members.add(name)
      if (typeof value === 'number')
        values.push(value - 1, value, value + 1, value * 3, 'y'.repeat(Math.min(9, Math.max(0, value))))
      if (keyword === 'pattern') values.push('a.b', 'axb', '12.30', 'é', '"x')
      if (keyword === 'patternProperties') members.add('x-1')
    }
    const target = typeof each['$ref'] === 'string' ? DEFINITIONS[each['$ref'].slice('#/$defs/'.length)] : undefined
    for (const inner of [...subschemas(each), ...(target === undefined ? [] : [target])]) visit(inner)
  }
  visit(schema)
  const leaf = fc.constantFrom(...values)
  const { node } = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      leaf,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...members), tie('node'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }))
  const typed = (type: unknown): fc.Arbitrary<unknown> => {
    const fitting = values.filter((value) => typeof value === (type === 'integer' ? 'number' : type))
    return fitting.length === 0 ? node : fc.constantFrom(...fitting)
  }
  const directed = (each: JsonSchema, depth: number): fc.Arbitrary<unknown> => {
    if (typeof each === 'boolean' || depth === 0) return node
    const target = typeof each['$ref'] === 'string' ? DEFINITIONS[each['$ref'].slice('#/$defs/'.length)] : undefined
    const parts = [
      target,
      ...['allOf', 'anyOf', 'oneOf'].map((keyword) => (each[keyword] as JsonSchema[] | undefined)?.[0]),
    ]
    const composed = parts.filter((part) => part !== undefined).map((part) => directed(part, depth - 1))
    const inner = composed.length === 0 ? fc.constant([]) : fc.tuple(...composed)
    if ('const' in each) return fc.oneof(fc.constant(each['const']), node)
    if (!('properties' in each || 'required' in each)) return composed[0] ?? fc.oneof(typed(each['type']), node)
    const properties = Object.entries((each['properties'] ?? {}) as Record<string, JsonSchema>)
    const required = ((each['required'] ?? []) as string[]).map((name) => [name, true] as const)
    const own = [...required, ...properties].map(([name, property]) => [name, directed(property, depth - 1)])
    return fc
      .tuple(fc.record(Object.fromEntries(own), { noNullPrototype: true }), inner)
      .map(([record, others]) => Object.assign({}, ...others, record))
  }
  return fc.oneof(node, directed(schema, 3)).filter((value) => !JSON.stringify(value).includes('__proto__'))
}

export const schemaArbitrary: fc.Arbitrary<JsonSchema> = fc.letrec<{ schema: JsonSchema }>((tie) => {
  const type = fc.constantFrom('string', 'number', 'integer', 'boolean', 'null', 'array', 'object')
  const name = fc.constantFrom('a', 'b', 'kind', 'x-1')
  const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 1 })
  const leaf: fc.Arbitrary<JsonSchema> = fc.oneof(
    fc.record({ type }),
    fc.record({ type: fc.uniqueArray(type, { minLength: 1, maxLength: 3 }) }),
    fc.record({ enum: fc.uniqueArray(fc.constantFrom('a', 1, null, true), { minLength: 1 }) }),
    fc.record({ type: fc.constant('string'), minLength: fc.nat(2), maxLength: fc.integer({ min: 2, max: 4 }) }),
    fc.record({ minimum: fc.integer({ min: 0, max: 2 }), multipleOf: fc.constantFrom(1, 2, 3) }),
    fc.record({ $ref: fc.constantFrom(...Object.keys(DEFINITIONS).map((each) => `#/$defs/${each}`)) }),
    fc.constantFrom<JsonSchema>(true, false, {}),
  )
  return {
    schema: fc
      .oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({
          properties: fc.dictionary(name, tie('schema'), { maxKeys: 3, noNullPrototype: true }),
          required: fc.uniqueArray(name, { maxLength: 2 }),
          additionalProperties: tie('schema'),
        }),
        fc.record({
          items: tie('schema'),
          uniqueItems: fc.boolean(),
          prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
        }),
        fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }), not: tie('schema') }),
        fc.record({
          allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
          unevaluatedProperties: fc.boolean(),
        }),
        fc.record({ if: tie('schema'), else: tie('schema'), contains: tie('schema'), minContains: some(fc.nat(2)) }),
        fc.record({
          propertyNames: tie('schema'),
          dependentSchemas: fc.dictionary(name, tie('schema'), { maxKeys: 2, noNullPrototype: true }),
          minProperties: fc.nat(2),
        }),
      )
      .map(withoutUndefined),
  }
}).schema

function withoutUndefined(schema: JsonSchema): JsonSchema {
  return typeof schema === 'boolean' ? schema : (JSON.parse(JSON.stringify(schema)) as JsonSchema)
}
