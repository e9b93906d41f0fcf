/**
 * Compiled validators against two judges: ajv itself on the same schemas, and @hyperjump/json-schema, which passes
 * nearly all of the official suite. Instances are generated from what the schemas mention, so that they come close.
 */
import { registerSchema, unregisterSchema, validate as judge } from '@hyperjump/json-schema/draft-2020-12'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonSchema } from '../model/schema.ts'
import { DEFINITIONS, instancesOf, schemaArbitrary } from '../../test/generate/schema-fixture.ts'
import { STRICTEST, typeScriptProject, type TypeScriptProject } from '../../test/generate/typescript-project.ts'
import { validatorCode } from './validator-code.ts'

interface Compiled {
  (data: unknown): boolean
  errors?: null | { instancePath: string; keyword: string; message: string }[]
}

const SCHEMAS: Record<string, JsonSchema> = {
  anything: true,
  nothing: false,
  string: { type: 'string' },
  integer: { type: 'integer' },
  nullable: { type: ['string', 'null'] },
  lengths: { type: 'string', minLength: 2, maxLength: 3 },
  pattern: { type: 'string', pattern: '^a.b$' },
  unicodePattern: { type: 'string', pattern: String.raw`^\p{L}+$` },
  looseLengths: { minLength: 2 },
  bounds: { type: 'number', minimum: 1, exclusiveMaximum: 3 },
  wholeMultiple: { multipleOf: 3 },
  enum: { enum: ['a', 1, null, { a: [1] }, [1, 2]] },
  const: { const: { b: [true, { c: null }], a: 0 } },
  object: { type: 'object', required: ['a'], properties: { a: { type: 'string' }, b: { type: 'integer' } } },
  closed: { type: 'object', properties: { a: true }, additionalProperties: false },
  rest: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'number' } },
  patterns: { type: 'object', patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false },
  names: { type: 'object', propertyNames: { enum: ['a', 'b'] } },
  sizes: { type: 'object', minProperties: 1, maxProperties: 2 },
  dependent: { dependentRequired: { a: ['b'] }, dependentSchemas: { c: { required: ['a'] } } },
  array: { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 },
  unique: { type: 'array', uniqueItems: true },
  tuple: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
  openTuple: { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'number' }, minItems: 1 },
  contains: { type: 'array', contains: { type: 'string' }, minContains: 1, maxContains: 2 },
  anyOf: { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 2 }] },
  oneOf: { oneOf: [{ type: 'number', minimum: 1 }, { type: 'number', maximum: 2 }, { const: 'x' }] },
  allOf: { allOf: [{ $ref: '#/$defs/Base' }, { properties: { a: { type: 'number' } } }] },
  not: { not: { type: 'string' } },
  // as text, for `then` makes an object literal look like a promise
  conditional: JSON.parse(
    `{ "if": { "properties": { "kind": { "const": "a" } }, "required": ["kind"] }, "then": { "required": ["a"] }, "else": { "required": ["b"] } }`,
  ),
  reference: { $ref: '#/$defs/Money' },
  besideReference: { $ref: '#/$defs/Base', properties: { kind: { enum: ['a', 'b'] } }, required: ['a'] },
  recursion: { $ref: '#/$defs/Tree' },
  mutualRecursion: { $ref: '#/$defs/Even' },
  unevaluated: { allOf: [{ $ref: '#/$defs/Base' }], properties: { a: true }, unevaluatedProperties: false },
  unevaluatedItems: {
    type: 'array',
    prefixItems: [{ type: 'string' }],
    anyOf: [{ prefixItems: [true, { const: 1 }] }, true],
    unevaluatedItems: false,
  },
  inherited: {
    type: 'object',
    required: ['toString'],
    properties: { constructor: { type: 'number' }, toString: { type: 'string' } },
    additionalProperties: false,
  },
  quotes: {
    type: 'object',
    required: ["it's", 'a"b', 'c\\d', 'return false;\nbreak;', '#0#'],
    properties: { "it's": { const: '"\\' }, 'a"b': { pattern: '"x$' }, '`${x}`': { enum: ['\u2028', 'validate1'] } },
  },
}

/** Not for the judges: both divide doubles, by which -0.99 is no multiple of 0.01. */
const DECIMALS: Record<string, JsonSchema> = { prices: { type: 'number', multipleOf: 0.01 } }

/** Not for ajv: below what nothing satisfies, its code reads variables that it did not declare there, and throws. */
const FORGOTTEN: Record<string, JsonSchema> = {
  forgottenProps: { anyOf: [{ oneOf: [{ allOf: [{ minimum: 0 }], unevaluatedProperties: false }, true], not: true }] },
  forgottenDependents: {
    dependentSchemas: {
      b: { oneOf: [{ allOf: [{ type: 'string' }], unevaluatedProperties: false }, { type: 'boolean' }], not: {} },
    },
  },
}

const names = Object.keys(SCHEMAS)
const all = { ...SCHEMAS, ...DECIMALS, ...FORGOTTEN }
let project: TypeScriptProject
let text: string
const compiled = new Map<string, Compiled>()

beforeAll(async () => {
  project = await typeScriptProject()
  const code = validatorCode(
    [{ name: 'orders', definitions: new Map(Object.entries(DEFINITIONS)) }],
    Object.entries(all).map(([name, schema]) => ({ namespace: 'orders', schema, functionName: `check_${name}` })),
  )
  const exported = Object.keys(all).map((name) => `${name}: ${code.names.get(`check_${name}`)} satisfies Validator`)
  text = `import { ${code.helpers.join(', ')} } from '@spandrel/runtime/validation'
import type { Validator } from '@spandrel/runtime/validation'
${code.text}
export const all = { ${exported.join(', ')} }
`
  await project.write({ 'validators.ts': text })
  const module: { all: Record<string, Compiled> } = await import(join(project.dir, 'validators.ts'))
  for (const [name, check] of Object.entries(module.all)) compiled.set(name, check)
})
afterAll(() => project[Symbol.asyncDispose]())

test('compiles under the strictest options, without ajv', async () => {
  expect(await project.typeCheck(STRICTEST)).toEqual([])
  expect(text).not.toMatch(/ajv|require\(|\beval\b|new Function/)
})

describe('agrees with both judges on', () => {
  test.each(names)('%s', async (name) => {
    const schema = SCHEMAS[name] ?? true
    const check = compiled.get(name)
    if (check === undefined) throw new Error(`no validator for ${name}`)
    const ajv = new Ajv2020({
      strict: false,
      validateFormats: false,
      strictNumbers: true,
      ownProperties: true,
      logger: false,
    })
    const direct = ajv.compile(typeof schema === 'boolean' ? schema : { $defs: DEFINITIONS, ...schema })
    const hyperjump = await judgeOf(name, schema)
    let valid = 0
    let invalid = 0
    fc.assert(
      fc.property(instancesOf(schema), (instance) => {
        const verdict = check(instance)
        expect(verdict).toBe(hyperjump(instance))
        expect(verdict).toBe(direct(instance))
        expect(faults(check)).toEqual(faults(direct as Compiled))
        if (verdict) valid++
        else invalid++
      }),
      { numRuns: 400, seed: 7 },
    )
    // The agreement means something only where both answers came up.
    expect([valid > 0, invalid > 0]).toEqual([schema !== false, schema !== true])
  })
})

test.each(Object.entries(FORGOTTEN))('agrees with hyperjump on %s', async (name, schema) => {
  const hyperjump = await judgeOf(name, schema)
  for (const instance of fc.sample(instancesOf(schema), { numRuns: 200, seed: 7 })) {
    expect(compiled.get(name)?.(instance)).toBe(hyperjump(instance))
  }
})

describe('finds', () => {
  test.each<[string, unknown, boolean]>([
    ['prices', 19.99, true],
    ['prices', 19.999, false],
    ['prices', -0.99, true],
    ['lengths', '\u{1F600}\u{1F600}', true],
    ['lengths', '\u{1F600}', false],
    ['unicodePattern', 'Größe', true],
    ['integer', Number.POSITIVE_INFINITY, false],
    ['integer', 1.0, true],
    ['const', { a: -0, b: [true, { c: null }] }, true],
    ['inherited', {}, false],
    ['inherited', JSON.parse('{"toString":1}'), false],
    ['inherited', JSON.parse('{"toString":"a"}'), true],
    [
      'unique',
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      false,
    ],
    ['unique', [0, -0], false],
    ['unique', [1, '1', true], true],
    [
      'quotes',
      { "it's": '"\\', 'a"b': '"x', 'c\\d': 0, 'return false;\nbreak;': 0, '#0#': 0, '`${x}`': '\u2028' },
      true,
    ],
  ])('%s of %j: %s', (name, instance, valid) => expect(compiled.get(name)?.(instance)).toBe(valid))

  test('where a fault is and which keyword it is about', () => {
    const check = compiled.get('recursion')
    expect(check?.({ name: 'a', kids: [{ name: 'b' }, { name: 3 }] })).toBe(false)
    expect(check?.errors).toEqual([
      {
        instancePath: '/kids/1/name',
        schemaPath: '#/properties/name/type',
        keyword: 'type',
        params: { type: 'string' },
        message: 'must be string',
      },
    ])
    expect(check?.({ name: 'a' })).toBe(true)
    expect(check?.errors).toBeNull()
  })
})

describe('schemas that nobody thought of', () => {
  test('40 generated schemas agree with ajv and compile under the strictest options', async () => {
    const schemas = fc.sample(schemaArbitrary, { numRuns: 40, seed: 12 })
    const code = validatorCode(
      [{ name: 'any', definitions: new Map(Object.entries(DEFINITIONS)) }],
      schemas.map((schema, index) => ({ namespace: 'any', schema, functionName: `check${index}` })),
    )
    const list = schemas.map((_schema, index) => code.names.get(`check${index}`)).join(', ')
    await project.write({
      'generated.ts': `import { ${code.helpers.join(', ')} } from '@spandrel/runtime/validation'\n${code.text}\nexport const all = [${list}]\n`,
    })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    const { all }: { all: Compiled[] } = await import(join(project.dir, 'generated.ts'))
    let compared = 0
    for (const [index, schema] of schemas.entries()) {
      const ajv = new Ajv2020({
        strict: false,
        validateFormats: false,
        strictNumbers: true,
        ownProperties: true,
        logger: false,
      })
      const direct = ajv.compile({ $defs: DEFINITIONS, allOf: [schema] })
      for (const instance of fc.sample(instancesOf(schema), { numRuns: 25, seed: index })) {
        expect(all[index]?.(instance), `${JSON.stringify(schema)} of ${JSON.stringify(instance)}`).toBe(
          direct(instance),
        )
        compared++
      }
    }
    expect(compared).toBe(1000)
  })
})

async function judgeOf(name: string, schema: JsonSchema): Promise<(instance: unknown) => boolean> {
  const uri = `https://example.org/${name}`
  const whole = { $schema: 'https://json-schema.org/draft/2020-12/schema', $defs: DEFINITIONS, allOf: [schema] }
  registerSchema(structuredClone(whole) as never, uri)
  const check = await judge(uri)
  unregisterSchema(uri)
  return (instance) => check(instance as never).valid
}

function faults(check: Compiled): unknown {
  return check.errors?.map(({ instancePath, keyword, message }) => ({ instancePath, keyword, message }))
}
