/**
 * Laws over generated schemas. `ACCEPTS_RUNS=2000 ACCEPTS_SEED=7` looks longer and elsewhere.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { createAccepts, type AcceptsResult, type JsonSchema } from '../../src/index.ts'
import { subschemas } from '../../src/generate/schema-keywords.ts'
import { DEFINITIONS, instancesOf, schemaArbitrary } from '../generate/schema-fixture.ts'
import { ajv, hyperjump } from './oracles.ts'

const runs = Number(process.env['ACCEPTS_RUNS'] ?? 40)
const seed = Number(process.env['ACCEPTS_SEED'] ?? 4)
const names = Object.fromEntries(Object.entries(DEFINITIONS).map(([name, schema]) => [name, { schema }]))
const strict = createAccepts({ policy: 'strict', readerSchemas: names, writerSchemas: names })

const seen = { yes: 0, no: 0, unknown: 0, instances: 0, witnesses: 0 }
afterAll(() => console.log(`accepts: ${JSON.stringify(seen)}`))

/** A schema with one of those inside it replaced: versions of a document are mostly alike. */
function replaced(schema: JsonSchema, place: number, by: JsonSchema): JsonSchema {
  const inner = [...subschemas(schema)]
  const target = inner[place % (inner.length + 1)]
  if (target === undefined || typeof target === 'boolean') return by
  const swap = (value: unknown): unknown => {
    if (value === target) return by
    if (Array.isArray(value)) return value.map(swap)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, swap(each)]))
  }
  return swap(schema) as JsonSchema
}

const pair: fc.Arbitrary<readonly [reader: JsonSchema, writer: JsonSchema]> = fc.oneof(
  fc.tuple(schemaArbitrary, schemaArbitrary),
  fc
    .tuple(schemaArbitrary, schemaArbitrary, fc.nat(5), fc.boolean())
    .map(([schema, by, place, turned]): readonly [JsonSchema, JsonSchema] => {
      const other = replaced(schema, place, by)
      return turned ? [other, schema] : [schema, other]
    }),
  fc.tuple(schemaArbitrary, schemaArbitrary).map(([left, right]) => [{ anyOf: [left, right] }, right] as const),
  fc.tuple(schemaArbitrary, schemaArbitrary).map(([left, right]) => [left, { allOf: [right, left] }] as const),
)

/**
 * Where the validators disagree, one of them is wrong (ajv keeps annotations of alternatives that failed); what both say
 * counts.
 */
async function contradicts(reader: JsonSchema, writer: JsonSchema, values: readonly unknown[]): Promise<unknown[]> {
  const [sends, reads] = [ajv(writer, DEFINITIONS), ajv(reader, DEFINITIONS)]
  const suspicious = values.filter((value) => {
    try {
      return sends(value) && !reads(value)
    } catch {
      // ajv wrote code that fails: the other one decides.
      return true
    }
  })
  if (suspicious.length === 0) return []
  const [writes, accepts] = [await hyperjump(writer, DEFINITIONS), await hyperjump(reader, DEFINITIONS)]
  return suspicious.filter((value) => writes(value) && !accepts(value))
}

async function confirmed(reader: JsonSchema, writer: JsonSchema, { differences }: AcceptsResult): Promise<void> {
  for (const difference of differences) {
    if (difference.answer !== 'no') continue
    seen.witnesses++
    const { witness } = difference
    expect([ajv(writer, DEFINITIONS)(witness), ajv(reader, DEFINITIONS)(witness)]).toEqual([true, false])
    expect([(await hyperjump(writer, DEFINITIONS))(witness), (await hyperjump(reader, DEFINITIONS))(witness)]).toEqual([
      true,
      false,
    ])
  }
}

describe('over generated schemas', { timeout: 600_000 }, () => {
  test('yes is never contradicted by an instance, and every no has a witness that two validators confirm', async () => {
    const property = fc.asyncProperty(pair, fc.nat(), async ([reader, writer], sample) => {
      const result = strict(reader, writer)
      seen[result.answer]++
      expect(result.differences.length > 0).toBe(result.answer !== 'yes')
      await confirmed(reader, writer, result)
      if (result.answer !== 'yes') return
      const near = fc.oneof(instancesOf(writer), instancesOf(reader))
      const instances = fc.sample(near, { numRuns: 40, seed: sample })
      seen.instances += instances.length
      expect(await contradicts(reader, writer, instances)).toEqual([])
    })
    await fc.assert(property, { numRuns: runs * 2, seed })
    expect(seen.yes).toBeGreaterThan(runs / 4)
    expect(seen.no).toBeGreaterThan(runs / 4)
    expect(seen.unknown / (seen.yes + seen.no + seen.unknown)).toBeLessThan(0.03)
  })

  test('a schema accepts itself, whatever it is called', () => {
    const law = fc.property(schemaArbitrary, (schema) => {
      expect(strict(schema, structuredClone(schema)).answer).toBe('yes')
      expect(strict({ anyOf: [schema] }, { allOf: [schema, true] }).answer).not.toBe('no')
    })
    fc.assert(law, { numRuns: runs * 2, seed })
  })

  test('what one accepts of another and that of a third, it accepts of the third', () => {
    let chains = 0
    const law = fc.property(schemaArbitrary, schemaArbitrary, schemaArbitrary, (a, b, c) => {
      const wide = { anyOf: [a, b] }
      const narrow = { allOf: [a, c] }
      if (strict(wide, a).answer !== 'yes' || strict(a, narrow).answer !== 'yes') return
      chains++
      expect(strict(wide, narrow).answer).not.toBe('no')
    })
    fc.assert(law, { numRuns: runs, seed })
    expect(chains).toBeGreaterThan(runs / 2)
  })

  test('never throws, and says the same again', () => {
    const junk = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom({ $ref: '#/nowhere' }, { $ref: 7 }, { type: 'what' }, { pattern: '(' }),
    )
    const odd = fc.dictionary(
      fc.constantFrom(
        'type',
        'enum',
        'properties',
        'items',
        'allOf',
        'required',
        'minimum',
        'pattern',
        '$ref',
        '$id',
        'not',
      ),
      junk,
    )
    const law = fc.property(fc.oneof(odd, schemaArbitrary), fc.oneof(odd, schemaArbitrary), (reader, writer) => {
      const once = createAccepts()(reader as JsonSchema, writer as JsonSchema)
      expect(createAccepts()(reader as JsonSchema, writer as JsonSchema)).toEqual(once)
    })
    fc.assert(law, { numRuns: runs * 2, seed })
  })
})

describe('the tolerant policy', { timeout: 600_000 }, () => {
  /** Objects that name their members, and nothing that says more of objects. */
  const plain = fc.letrec<{ schema: JsonSchema; object: JsonSchema }>((tie) => ({
    object: fc
      .record({
        properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema'), {
          minKeys: 1,
          maxKeys: 3,
          noNullPrototype: true,
        }),
        pick: fc.nat(7),
        closed: fc.boolean(),
      })
      .map(({ properties, pick, closed }) => ({
        type: 'object',
        properties,
        required: Object.keys(properties).filter((_, index) => (pick & (1 << index)) !== 0),
        ...(closed ? { additionalProperties: false } : {}),
      })),
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom<JsonSchema>({ type: 'string' }, { type: 'integer' }, { type: ['string', 'null'] }, { const: 1 }),
      tie('object'),
      fc.record({ type: fc.constant('array'), items: tie('schema') }),
      fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
    ),
  }))

  function closed(schema: JsonSchema): JsonSchema {
    const close = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(close)
      if (typeof value !== 'object' || value === null) return value
      const inner = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, close(each)]))
      return inner['type'] === 'object' ? { ...inner, additionalProperties: false } : inner
    }
    return close(schema) as JsonSchema
  }

  test('is the strict one with the objects of the writer closed', () => {
    const answers = { yes: 0, no: 0, unknown: 0 }
    const law = fc.property(plain.schema, plain.schema, fc.nat(5), fc.boolean(), (schema, by, place, alike) => {
      const reader = alike ? replaced(schema, place, by) : by
      const tolerant = createAccepts()(reader, schema).answer
      answers[tolerant]++
      expect(tolerant).toBe(createAccepts({ policy: 'strict' })(reader, closed(schema)).answer)
    })
    fc.assert(law, { numRuns: runs * 3, seed })
    expect(answers.yes).toBeGreaterThan(runs / 10)
    expect(answers.no).toBeGreaterThan(runs / 10)
    expect(answers.unknown).toBe(0)
  })
})
