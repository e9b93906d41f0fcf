/** What counts as an answer that fits its declaration; and scopes of keys on correct servers. */
import { describe, expect, test } from 'vitest'
import type { RunRecord } from '../src/history/records.ts'
import { answerShapes } from '../src/judge/answer-shapes.ts'
import { attackScoped, changedPlan, failures } from './attack-server.ts'

const json = { 'content-type': 'application/json; charset=utf-8' }
const plan = await changedPlan((text) =>
  text
    .replace(
      "'400': { description: not an order }",
      "'4XX': { description: no, content: { 'application/*+json': { schema: { required: [title] } } } }",
    )
    .replace(
      "'404': { description: no such thing }",
      "'404': { description: gone, headers: { X-Why: { required: true, schema: { type: string } } } }",
    ),
)
const operation = plan.operations.find((one) => one.operation === 'placeOrder')!
const shape = answerShapes({ schemas: { [plan.service]: plan.schemas } } as unknown as RunRecord, [operation])

describe('an answer', () => {
  test.each([
    [201, json, '{"id":"a"}', 'fits'],
    [201, json, '{"id":1,"more":true}', 'fits'],
    [201, json, '{}', { differs: 'its body lacks "id"' }],
    [201, json, '{"id":null}', { differs: '/id must be string,integer' }],
    [201, json, '', { differs: 'it has no body' }],
    [201, json, '{"id"', { differs: 'its body is no JSON, and application/json says it is' }],
    [201, {}, '{"id":1}', { differs: 'its content type is not told; declared is application/json' }],
    [
      201,
      { 'content-type': 'text/html' },
      '<h1>placed</h1>',
      { differs: 'its content type is text/html; declared is application/json' },
    ],
    // By its class, with a type that is a pattern.
    [422, { 'content-type': 'application/problem+json' }, '{"title":"no"}', 'fits'],
    [422, { 'content-type': 'application/problem+json' }, '{}', { differs: 'its body lacks "title"' }],
    [404, json, '{}', { differs: 'it has no header x-why, which is required' }],
    [404, { ...json, 'x-why': 'sold' }, 'anything', 'fits'],
    // Nothing is declared of it: another check says whether the status is.
    [500, json, '{}', 'undeclared'],
    [503, json, 'anything', 'undeclared'],
  ])('%i %j %s', (status, headers, body, expected) => {
    expect(shape(operation, { status, headers, body })).toEqual(expected)
  })

  test('a schema that cannot be compiled judges nothing', () => {
    const broken = {
      ...operation,
      answers: {
        201: {
          headers: [],
          required: [],
          content: [{ contentType: 'application/json', json: true, schema: { type: 'strange' } }],
        },
      },
    }
    const judged = answerShapes({ schemas: {} } as unknown as RunRecord, [broken])
    expect(judged(broken, { status: 201, headers: json, body: '{}' })).toBe('undeclared')
  })
})

test.each(['tenant', 'shop'] as const)('keys of a %s: a correct server passes', async (scope) => {
  const { report } = await attackScoped(scope)
  expect(failures(report)).toEqual([])
  const checks = report.results.flatMap((result) => result.checks)
  for (const check of ['other-scope', 'other-caller'])
    expect(checks.find((one) => one.check === check)).toMatchObject({ verdict: 'PASS', confirmed: 1 })
})
