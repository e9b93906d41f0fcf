import { expect, test } from 'vitest'
import type { Finding } from '../model/finding.ts'
import { checkFixture } from './fixture.ts'

const OPENAPI = `openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths:
  /orders:
    get:
      operationId: listOrders
      x-guarantees: { timeout: PT5S }
      parameters: [{ name: since, in: query, schema: { type: string } }]
      responses: { '200': { description: Orders } }
    post:
      operationId: placeOrder
      responses: { '202': { description: Accepted } }
    patch:
      operationId: changeOrder
      responses: { '202': { description: Accepted } }
`

async function found(settings: string, openapi = OPENAPI): Promise<readonly Finding[]> {
  const yaml = `version: 1\nsystem: shop\nservices:\n  orders: { owner: team-orders, contracts: [orders.openapi.yaml] }\n${settings}`
  const files = new Map([
    ['spandrel.yaml', yaml],
    ['orders.openapi.yaml', openapi],
  ])
  return (await checkFixture({ files, marks: [] })).findings
}

const ids = (findings: readonly Finding[]): readonly string[] => findings.map(({ id, severity }) => `${severity} ${id}`)

function acknowledgement(subject: string): string {
  return `check:\n  acknowledged:\n    - { rule: unsafe-without-idempotency, subject: ${subject}, owner: team-orders, reason: soon, until: '2027-01-31' }\n`
}

test('a severity of spandrel.yaml counts instead of the rule’s, and off is nothing', async () => {
  expect(ids(await found(''))).toEqual([
    'warning poll-without-push',
    'warning unsafe-without-idempotency',
    'warning unsafe-without-idempotency',
  ])
  const changed = await found('check:\n  severities: { poll-without-push: off, unsafe-without-idempotency: error }\n')
  expect(ids(changed)).toEqual(['error unsafe-without-idempotency', 'error unsafe-without-idempotency'])
})

test('an acknowledged finding stays, with who answers for it; a service stands for its operations', async () => {
  const of = async (subject: string): Promise<number> =>
    (await found(acknowledgement(subject))).filter(({ acknowledged }) => acknowledged?.owner === 'team-orders').length
  expect(await of('orders.placeOrder')).toBe(1)
  expect(await of('orders')).toBe(2)
})

test('a document that promises nothing yet gets one remark a rule', async () => {
  const untouched = await found('', OPENAPI.replace('      x-guarantees: { timeout: PT5S }\n', ''))
  expect(ids(untouched)).toEqual(['info poll-without-push', 'info unsafe-without-idempotency'])
  expect(untouched[1]?.message).toContain('and 1 more in this document')
})
