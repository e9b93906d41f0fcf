import type { JsonSchema } from '@spandrel/contract'
import { expect, test } from 'vitest'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { changedBodies } from './changed-bodies.ts'

const text = { type: 'string' }
const bodySchema: JsonSchema = {
  type: 'object',
  properties: {
    ref: { $ref: '#/$defs/Ref' },
    amount: {
      type: 'object',
      properties: {
        value: { type: 'integer', maximum: 5 },
        currency: { enum: ['EUR', 'USD'] },
        kind: { const: 'card' },
      },
    },
    tags: { type: 'array', items: text },
    labels: { type: 'array', items: text, uniqueItems: true },
    day: { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\d$` },
    id: { type: 'string', readOnly: true },
    shop: text,
  },
}
const body = {
  ref: 'm1',
  amount: { value: 5, currency: 'EUR', kind: 'card' },
  tags: ['a', 'b'],
  labels: ['c', 'd'],
  day: '2026-01-31',
  id: 'x',
  shop: 'one',
  unheardOf: 1,
}

function changed(fingerprint?: readonly string[]): Record<string, unknown> {
  const operation = {
    service: 'pay',
    bodySchema,
    probe: { marker: '$request.body#/ref' },
    idempotency: {
      key: { source: 'request.header', name: 'Key' },
      scope: { by: { source: 'request.body', pointer: ['shop'] } },
      ...(fingerprint && { fingerprint: { source: 'request.body', pointer: fingerprint } }),
    },
  } as unknown as OperationFacts
  return Object.fromEntries(
    changedBodies(operation, { Ref: { type: 'string' } }, body).map((one) => [one.what, one.body]),
  )
}

test('each value that counts is changed once, nested and in lists, and the body stays valid', () => {
  expect(changed()).toEqual({
    // 6 would be too much
    '/amount/value': { ...body, amount: { ...body.amount, value: 4 } },
    '/amount/currency': { ...body, amount: { ...body.amount, currency: 'USD' } },
    'the order of /tags': { ...body, tags: ['b', 'a'] },
    '/tags/0': { ...body, tags: ['a2', 'b'] },
    '/tags/1': { ...body, tags: ['a', 'b2'] },
    '/labels/0': { ...body, labels: ['c2', 'd'] },
    '/labels/1': { ...body, labels: ['c', 'd2'] },
    '/day': { ...body, day: '2030-01-31' },
  })
})

test('what is outside the declared fingerprint is left as it is', () => {
  expect(Object.keys(changed(['amount']))).toEqual(['/amount/value', '/amount/currency'])
  expect(changed(['ref'])).toEqual({})
})
