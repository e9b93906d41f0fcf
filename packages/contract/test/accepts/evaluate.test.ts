/** The search believes in its own evaluation; an oracle says whether it may. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { accepts, type JsonSchema } from '../../src/index.ts'
import { holds } from '../../src/accepts/evaluate.ts'
import { Ids, SchemaDocument } from '../../src/accepts/schema-document.ts'
import { DEFINITIONS, instancesOf, schemaArbitrary } from '../generate/schema-fixture.ts'
import { ajv, hyperjump, type Judge } from './oracles.ts'

const names = Object.fromEntries(Object.entries(DEFINITIONS).map(([name, schema]) => [name, { schema }]))

test('evaluates as hyperjump does', async () => {
  const wrong: unknown[] = []
  const verdicts = { valid: 0, invalid: 0 }
  for (const schema of fc.sample(schemaArbitrary, { numRuns: 80, seed: 11 })) {
    const node = new SchemaDocument('reader', new Ids(), names).enter(schema)
    const judge = await hyperjump(schema, DEFINITIONS)
    for (const value of fc.sample(instancesOf(schema), { numRuns: 15, seed: 12 })) {
      const expected = judge(value)
      verdicts[expected ? 'valid' : 'invalid']++
      if (holds(node, value) !== expected) wrong.push({ schema, value, expected })
    }
  }
  console.log(`accepts: evaluated like hyperjump ${JSON.stringify(verdicts)}`)
  expect(wrong).toEqual([])
  expect(Math.min(verdicts.valid, verdicts.invalid)).toBeGreaterThan(100)
})

/** A schema, instances it has, and instances it has not: each as the only thing a writer sends. */
const KNOWN: readonly {
  readonly schema: JsonSchema
  readonly valid: readonly unknown[]
  readonly invalid: readonly unknown[]
}[] = [
  { schema: { multipleOf: 0.01 }, valid: [19.99, 0, 'x'], invalid: [0.005] },
  { schema: { type: 'integer' }, valid: [1, 1.0, -0, 1e3], invalid: [1.5, '1', null] },
  { schema: { maxLength: 2 }, valid: ['😀😀', 5], invalid: ['abc'] },
  {
    schema: { uniqueItems: true },
    valid: [[1, true, [1]], []],
    invalid: [
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
  },
  { schema: { const: { a: [1, { b: null }] } }, valid: [{ a: [1, { b: null }] }], invalid: [{ a: [1, { b: 0 }] }, []] },
  { schema: { properties: { a: false } }, valid: [{}, { b: 1 }, []], invalid: [{ a: 1 }] },
  {
    schema: { patternProperties: { '^a': { type: 'integer' } }, additionalProperties: false },
    valid: [{ ab: 1 }],
    invalid: [{ ab: 'x' }, { b: 1 }],
  },
  { schema: { prefixItems: [{ const: 1 }], items: { const: 2 } }, valid: [[], [1, 2, 2]], invalid: [[2], [1, 1]] },
  {
    schema: { contains: { const: 1 }, minContains: 2, maxContains: 3 },
    valid: [
      [1, 1],
      [1, 0, 1, 1],
    ],
    invalid: [[1], [1, 1, 1, 1], []],
  },
  { schema: { contains: { const: 1 }, minContains: 0 }, valid: [[], [2]], invalid: [] },
  {
    schema: { dependentRequired: { a: ['b'] }, dependentSchemas: { c: { maxProperties: 1 } } },
    valid: [{ a: 1, b: 1 }, { c: 1 }, {}],
    invalid: [{ a: 1 }, { c: 1, d: 1 }],
  },
  { schema: { oneOf: [{ minimum: 2 }, { maximum: 3 }] }, valid: [1, 4], invalid: [2.5, 'x'] },
  { schema: { not: { anyOf: [{ type: 'string' }, { minimum: 0 }] } }, valid: [-1], invalid: ['', 0, null] },
  {
    schema: JSON.parse('{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"maxProperties":0}}'),
    valid: [{ a: 1, b: 1 }, {}, 4],
    invalid: [{ a: 1 }, { c: 1 }],
  },
  {
    schema: {
      anyOf: [
        { properties: { a: {} }, required: ['a'] },
        { properties: { b: {} }, required: ['b'] },
      ],
      unevaluatedProperties: false,
    },
    valid: [{ a: 1 }, { a: 1, b: 1 }],
    invalid: [{ a: 1, c: 1 }],
  },
  {
    schema: { prefixItems: [true], contains: { const: 7 }, unevaluatedItems: false },
    valid: [[7], [1, 7]],
    // ajv takes all items for evaluated by `contains`, so that [1, 7, 2] stays unconfirmed.
    invalid: [[1]],
  },
  { schema: { propertyNames: { pattern: '^x' } }, valid: [{ x1: 0 }, {}], invalid: [{ y: 0 }] },
  {
    schema: {
      $ref: 'https://example.org/a',
      $defs: { a: { $id: 'https://example.org/a', items: { $ref: '#b' }, $defs: { b: { $anchor: 'b', minimum: 3 } } } },
    },
    valid: [[3]],
    invalid: [[2]],
  },
  { schema: { format: 'date' }, valid: ['2024-02-29', 5], invalid: ['2023-02-29', ''] },
  {
    schema: { required: ['__proto__', 'constructor'] },
    valid: [JSON.parse('{"__proto__":1,"constructor":2}')],
    invalid: [{}],
  },
]

test('the only instance a writer sends is judged as validators judge it', async () => {
  let asked = 0
  const wrong: unknown[] = []
  for (const { schema, valid, invalid } of KNOWN) {
    const judges: Judge[] = [
      await hyperjump(schema),
      ...(JSON.stringify(schema).match(/multipleOf|__proto__/) ? [] : [ajv(schema)]),
    ]
    for (const [instances, expected] of [
      [valid, 'yes'],
      [invalid, 'no'],
    ] as const) {
      for (const value of instances) {
        asked++
        const answers = [
          accepts(schema, { const: value }).answer,
          accepts(schema, { enum: [value] }, { policy: 'strict' }).answer,
          ...judges.map((judge) => (judge(value) ? 'yes' : 'no')),
        ]
        if (answers.some((answer) => answer !== expected)) wrong.push({ schema, value, expected, answers })
      }
    }
  }
  expect(wrong).toEqual([])
  console.log(`accepts: ${asked} known instances of ${KNOWN.length} schemas`)
  expect(asked).toBeGreaterThan(50)
})
