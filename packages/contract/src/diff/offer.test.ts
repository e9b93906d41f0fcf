import { expect, test } from 'vitest'
import { sideOf } from '../../test/side-of.ts'
import { diffSystems } from './diff-systems.ts'

/** How the gateway offers a service: what a change of it means to those who call. */

function compare(from: string, to: string, gateway = ['listen: 8080', 'listen: 8080']): string[] {
  const [before, after] = [from, to].map((offer, at) =>
    sideOf({
      'spandrel.yaml': `
version: 1
system: shop
services:
  orders: { owner: team-orders, contracts: [orders.yaml]${offer === '' ? '' : `, gateway: { ${offer} }`} }
gateway: { ${gateway[at]} }
`,
      'orders.yaml': `
openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths: { /orders: { get: { operationId: list, responses: { '200': { description: All } } } } }
`,
    }),
  )
  const today = new Date('2026-11-22')
  return diffSystems(before!, after!, { today }).findings.map(({ level, id }) => `${level} ${id}`)
}

const one = `version: { header: Accept-Version, value: '1' }`
const oneOrNone = `version: { header: Accept-Version, value: '1', default: true }`
const two = `version: { header: Accept-Version, value: '2' }`

test.each([
  ['', '', []],
  ['path: /v1', 'path: /v1', []],
  ['', 'path: /v1', ['breaking gateway-path-changed']],
  ['path: /v1', '', ['breaking gateway-path-changed']],
  ['', one, ['breaking gateway-version-changed']],
  ['', oneOrNone, ['warning gateway-version-changed']],
  [one, '', ['minor gateway-version-changed']],
  [one, oneOrNone, ['minor gateway-version-changed']],
  [oneOrNone, one, ['breaking gateway-version-changed']],
  [one, two, ['breaking gateway-version-changed']],
  [one, one.replace('Accept-Version', 'accept-version'), []],
  ['', 'answers: off', []],
  ['', 'answers: warn', ['info gateway-answers-changed']],
  ['answers: warn', 'answers: enforce', ['warning gateway-answers-changed']],
  ['answers: enforce', '', ['warning gateway-answers-changed']],
  ['', "deprecated: '2026-06-01', sunset: '2027-06-01'", ['minor operation-deprecated']],
  [
    "deprecated: '2026-06-01', sunset: '2027-06-01'",
    "deprecated: '2026-06-01', sunset: '2027-01-01'",
    ['breaking sunset-earlier'],
  ],
])('%s → %s: %s', (from, to, expected) => {
  expect(compare(from, to)).toEqual(expected)
})

test('what the gateway says of all answers holds for those that say nothing', () => {
  const gateway = ['listen: 8080', 'listen: 8080, answers: enforce']
  expect(compare('', '', gateway)).toEqual(['warning gateway-answers-changed'])
  expect(compare('answers: warn', 'answers: warn', gateway)).toEqual([])
})

test('where no key of a tenant is kept, another claim is a remark', () => {
  const claims = [`tenant: '$request.jwt#/org'`, `tenant: '$request.jwt#/tenant'`]
  expect(compare('', '', claims)).toEqual(['info key-tenant-changed'])
  expect(compare('', '', ['listen: 8080', claims[1]!])).toEqual([])
})
