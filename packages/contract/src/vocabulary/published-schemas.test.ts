import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { asyncapiShapes } from '../asyncapi/structure.ts'
import { Findings } from '../findings/findings.ts'
import { openapiShapes } from '../openapi/structure.ts'
import { checkShape } from '../shape/check-shape.ts'
import type { Shape } from '../shape/shape.ts'
import { parseJson } from '../source/parse-json.ts'
import { systemShape } from '../system/structure.ts'
import { publishedSchemas } from './published-schemas.ts'
import { members, xGuarantees } from './x-guarantees.ts'
import { xIntegration } from './x-integration.ts'
import { xProbe } from './x-probe.ts'

function faults(shape: Shape, value: unknown): readonly string[] {
  const findings = new Findings()
  const node = parseJson('example', JSON.stringify(value), findings)
  if (node !== undefined) checkShape(node, shape, 'example', { definitions: {}, findings })
  return findings.sorted().map(({ message }) => message)
}

/** Every schema with examples, at any depth. */
function withExamples(shape: Shape, path: string): { path: string; shape: Shape; example: unknown }[] {
  const inner: [string, Shape][] = [
    ...Object.entries(shape.properties ?? {}),
    ...Object.entries(shape.patternProperties ?? {}),
    ...(shape.anyOf ?? []).map((one, index): [string, Shape] => [`anyOf/${index}`, one]),
    ...(shape.items === undefined ? [] : [['items', shape.items] satisfies [string, Shape]]),
    ...(typeof shape.additionalProperties === 'object'
      ? [['*', shape.additionalProperties] satisfies [string, Shape]]
      : []),
  ]
  return [
    ...(shape.examples ?? []).map((example) => ({ path, shape, example })),
    ...inner.flatMap(([name, one]) => withExamples(one, `${path}/${name}`)),
  ]
}

describe('the published schemas', () => {
  test.each(Object.entries(publishedSchemas()))('%s is the file, and valid JSON Schema', async (name, schema) => {
    // Written again by `vitest -u`.
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(`../../schemas/${name}`)
    const ajv = new Ajv2020({ strict: false, validateSchema: true })
    expect(ajv.validateSchema(schema), `found: ${JSON.stringify(ajv.errors)}`).toBe(true)
    ajv.compile(schema)
  })

  test('every member has a meaning and an example', () => {
    for (const [name, shape] of Object.entries({ ...members, xGuarantees, xIntegration, xProbe })) {
      expect(shape.description, `found: ${name}`).toMatch(/\w+/)
      expect(shape.examples?.length, `found: ${name}`).toBeGreaterThan(0)
    }
  })
})

describe('examples are valid, by our reader and by ajv', () => {
  const all = [
    ...Object.entries(members),
    ['x-integration', xIntegration] as const,
    ['x-probe', xProbe] as const,
    ['spandrel.yaml', systemShape] as const,
  ].flatMap(([name, shape]) => withExamples(shape, name))

  test.each(all.map((one) => [one.path, JSON.stringify(one.example), one] as const))(
    '%s %s',
    (_path, _text, { shape, example }) => {
      expect(faults(shape, example)).toEqual([])
      const check = new Ajv2020({ strict: false }).compile(shape)
      expect(check(example), `found: ${JSON.stringify(check.errors)}`).toBe(true)
    },
  )

  test('and there are many', () => {
    expect(all.length).toBeGreaterThan(60)
  })
})

test('our reader and ajv agree on what is invalid', () => {
  const check = new Ajv2020({ strict: false }).compile(xGuarantees)
  const values: unknown[] = [
    {},
    { idempotency: 'natural' },
    { idempotency: 'maybe' },
    { idempotency: {} },
    { idempotency: { key: '$request.header.X', scope: { by: '$request.body#/a' } } },
    { idempotency: { key: '$request.header.X', scope: {} } },
    { idempotency: { key: 'X' } },
    { idempotency: { key: '$request.header.X', required: 'yes' } },
    { retry: { attempts: 1.5 } },
    { retry: { on: [] } },
    { retry: { on: ['5XX', 503] } },
    { retry: { on: ['6XX'] } },
    { timeout: 'P' },
    { timeout: 'PT' },
    { timeout: 'P1DT' },
    { timeout: 'PT0.5S' },
    { timeout: 5 },
    { completion: { by: 'status', success: ['a', 'b'] } },
    { completion: { by: 'status', success: [] } },
    { push: { by: 'event' } },
    { other: 1 },
    [],
    'none',
  ]
  const verdicts = values.map((value) => check(value))
  expect(values.map((value) => faults(xGuarantees, value).length === 0)).toEqual(verdicts)
  expect(new Set(verdicts)).toEqual(new Set([true, false]))
})

test('the structures of OpenAPI and AsyncAPI refer only to what they define', () => {
  for (const definitions of [openapiShapes(3.0), openapiShapes(3.1), openapiShapes(3.2), asyncapiShapes(3.0)]) {
    const ajv = new Ajv2020({ strict: false })
    expect(() => ajv.compile({ $ref: '#/$defs/root', $defs: definitions })).not.toThrow()
  }
})
