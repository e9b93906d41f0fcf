import { expect, test } from 'vitest'
import { sideOf } from '../../test/side-of.ts'
import { diffSystems } from './diff-systems.ts'
import type { DiffFinding } from './model.ts'

/** Changes of spandrel.yaml: what they mean, and to whom. */

const channel = (action: string) => `
asyncapi: 3.0.0
info: { title: Orders, version: 1.0.0 }
channels: { orders: { address: shop.orders, messages: { orderPlaced: { payload: { type: object } } } } }
operations:
  ${action}Order: { action: ${action}, channel: { $ref: '#/channels/orders' }, x-integration: { process: checkout } }
`
const files = {
  'spandrel.yaml': `
version: 1
system: shop
services:
  orders:
    owner: team-orders
    contracts: [orders.yaml, orders.openapi.yaml]
    keys: service
    uses:
      payments.quote: { style: rpc, in: [place], fallback: the last known price }
      payments.list: {}
  payments: { owner: team-payments, contracts: [payments.yaml], keys: gateway }
  billing: { owner: team-money, contracts: [billing.yaml], keys: gateway }
  web: { owner: team-web, contracts: [web.yaml], uses: { orders.place: {} } }
workflows: { checkout: { coordination: choreography, owner: team-orders } }
gateway:
  jwt: { jwks: keys.json, issuer: us, audience: shop }
  apiKeys: storefronts.yaml
  trusted: { header: X-User, from: [10.0.0.1, 10.0.0.2] }
`,
  'orders.yaml': channel('send'),
  'orders.openapi.yaml': `
openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths: { /orders: { post: { operationId: place, responses: { '201': { description: Placed } } } } }
`,
  'payments.yaml': `
openapi: 3.1.0
info: { title: Payments, version: 1.0.0 }
components: { securitySchemes: { token: { type: http, scheme: bearer } } }
paths:
  /quote: { get: { operationId: quote, security: [{ token: [] }], responses: { '200': { description: The price } } } }
  /prices: { get: { operationId: list, responses: { '200': { description: All } } } }
`,
  'billing.yaml': channel('receive'),
  'web.yaml': `
openapi: 3.1.0
info: { title: Web, version: 1.0.0 }
paths: {}
`,
}

function compare(from: string, to: string, more: Readonly<Record<string, string>> = {}): readonly DiffFinding[] {
  const text = files['spandrel.yaml']
  expect(text).toContain(from)
  const revision = { ...files, ...more, 'spandrel.yaml': text.replace(from, to) }
  return diffSystems(sideOf(files), sideOf(revision)).findings
}

const told = (findings: readonly DiffFinding[]): string[] =>
  findings.flatMap(({ level, id, message, consumers }) => [
    `${level} ${id}: ${message}`,
    ...consumers.map(({ service, owner, broken, because }) => `  ${broken} ${service} (${owner}): ${because}`),
  ])

test('a service that becomes external breaks who shares messages with it, and not who calls it at its URL', () => {
  const billing = 'contracts: [billing.yaml],'
  expect(told(compare(billing, `${billing} external: true,`))).toEqual([
    'breaking service-became-external: `billing` is external now: it has no routes at the gateway, and is on no transport of the system',
    '  yes orders (team-orders): sends orders.orderPlaced to it',
  ])
  const payments = 'contracts: [payments.yaml],'
  expect(told(compare(payments, `${payments} external: true,`)).slice(1)).toEqual([
    '  no orders (team-orders): calls payments.quote at its own URL',
    '  no orders (team-orders): calls payments.list at its own URL',
  ])
})

test('another name of the system is another source: its receivers are named', () => {
  const findings = compare('system: shop', 'system: store')
  expect(told(findings)).toEqual([
    'breaking system-renamed: the system is called `store` now, and was `shop`: the source of its messages is `/store/…`',
    '  unknown billing (team-money): knows the messages of orders by the source `/shop/orders`, if it looks at it',
  ])
  expect(findings[0]?.line).toBe(3)
})

test('another coordination is told to who has a step in the process', () => {
  expect(told(compare('coordination: choreography', 'coordination: orchestration')).slice(1)).toEqual([
    '  unknown orders (team-orders): orders.sendOrder is a step of it',
    '  unknown billing (team-money): billing.receiveOrder is a step of it',
  ])
})

test('without its fallback a service fails, and perhaps those who call the operation that makes the call', () => {
  expect(told(compare(', fallback: the last known price', ''))).toEqual([
    'warning use-fallback-removed: without an answer of `payments.quote`, `orders` fails now; before: the last known price',
    '  unknown web (team-web): calls orders.place',
  ])
})

test('who no longer calls one operation and still calls another is said to', () => {
  const quote = '      payments.quote: { style: rpc, in: [place], fallback: the last known price }\n'
  expect(told(compare(quote, ''))).toEqual([
    'info use-removed: `orders` no longer calls `payments.quote`; it still calls `payments.list`',
  ])
})

test('an operation by another id is called as before', () => {
  const renamed = { 'payments.yaml': files['payments.yaml'].replace('operationId: quote', 'operationId: quotePrice') }
  const findings = compare('payments.quote:', 'payments.quotePrice:', renamed)
  expect(findings.map(({ id }) => id)).toEqual(['operation-id-changed'])
})

test.each([
  [
    'jwt: { jwks: keys.json',
    'jwt: { jwks: more.json',
    'warning gateway-credential-changed: `jwt.jwks` is more.json now, and was keys.json',
  ],
  ['issuer: us', 'issuer: them', 'breaking gateway-credential-changed: `jwt.issuer` is them now, and was us'],
  [', audience: shop', '', 'warning gateway-credential-changed: `jwt.audience` is not set now, and was shop'],
  [
    'header: X-User',
    'header: X-Caller',
    'breaking gateway-credential-changed: `trusted.header` is X-Caller now, and was X-User',
  ],
  ['header: X-User', 'header: x-user', undefined],
  ['[10.0.0.1, 10.0.0.2]', '[10.0.0.1]', 'breaking gateway-credential-changed: `trusted.from` no longer has 10.0.0.2'],
  ['10.0.0.2]', '10.0.0.2, 10.0.0.3]', 'minor gateway-credential-changed: `trusted.from` has 10.0.0.3, too'],
  [
    '  jwt: { jwks: keys.json, issuer: us, audience: shop }\n',
    '',
    'breaking gateway-credential-removed: the gateway has no `jwt` any more',
  ],
  ['  apiKeys: storefronts.yaml\n', '', 'info gateway-credential-removed: the gateway has no `apiKeys` any more'],
])('the gateway: %s becomes %s', (from, to, expected) => {
  expect(told(compare(from, to))).toEqual(expected === undefined ? [] : [expected])
})

test('another URL is told to who calls; another database is told without its password', () => {
  const base = files['spandrel.yaml'].replace(
    'payments.yaml],',
    'payments.yaml], url: http://a, database: postgres://app:one@db/a,',
  )
  const now = base.replace('http://a', 'http://b').replace('app:one', 'app:two')
  const side = (text: string) => sideOf({ ...files, 'spandrel.yaml': text })
  expect(told(diffSystems(side(base), side(now)).findings)).toEqual([
    'warning service-url-changed: the url of `payments` is `http://b` now, and was `http://a`',
    '  unknown orders (team-orders): calls payments.quote',
    '  unknown orders (team-orders): calls payments.list',
    'warning service-database-changed: the database of `payments` is `postgres://…@db/a` now, and was `postgres://…@db/a`',
  ])
})
