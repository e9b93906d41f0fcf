/** "no changes" is said where nothing changed; other words are a change that breaks nobody. */
import { expect, test } from 'vitest'
import { sideOf } from '../../test/side-of.ts'
import { diffSystems } from './diff-systems.ts'
import { diffReport } from './render/human.ts'
import { diffMarkdown } from './render/markdown.ts'

function orders(schema: object) {
  const content = { 'application/json': { schema } }
  const get = { operationId: 'listOrders', responses: { 200: { description: 'The orders', content } } }
  const document = { openapi: '3.1.0', info: { title: 'Orders', version: '1.0.0' }, paths: { '/orders': { get } } }
  return sideOf({ 'orders.json': JSON.stringify(document) })
}

const one = { type: 'object', properties: { a: { type: 'string' } } }
const two = { type: 'object', properties: { a: { type: 'string', description: 'what it is' } } }

test.each([
  [one, one, 'no changes'],
  [one, two, 'nothing that breaks anybody (1 schema is written differently)'],
  [two, one, 'nothing that breaks anybody (1 schema is written differently)'],
])('%j and %j: %s', (before, after, words) => {
  const result = diffSystems(orders(before), orders(after))
  const options = { base: '/', source: () => undefined }
  expect(diffReport(result, options)).toBe(`${words} in 1 operation, 1 schema, 0 guarantees`)
  expect(diffMarkdown(result, options)).toContain(`### Contracts: ${words}`)
})
