import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DiffResult } from './diff-systems.ts'
import { diffSystems } from './diff-systems.ts'
import { loadSide } from './load-side.ts'

/** A shop of three: orders tells two others, one of which asks for more than it needs, and calls a fourth. */

const system = `
version: 1
system: shop
services:
  orders: { owner: team-orders, contracts: [orders.yaml], uses: { prices.quote: { style: rpc } } }
  billing: { owner: team-money, contracts: [billing.yaml] }
  mailer: { owner: team-mail, contracts: [mailer.yaml], uses: { prices.list: { style: rpc } } }
  prices: { owner: team-prices, contracts: [prices.yaml] }
`
const message = (action: string, name: string, required: string, properties: string) => `
asyncapi: 3.0.0
info: { title: ${name}, version: 1.0.0 }
channels:
  orders:
    address: shop.orders
    messages:
      orderPlaced:
        payload: { type: object, required: [${required}], properties: { ${properties} } }
operations:
  ${name}: { action: ${action}, channel: { $ref: '#/channels/orders' } }
`
const prices = (parameter: string) => `
openapi: 3.1.0
info: { title: Prices, version: 1.0.0 }
paths:
  /quote:
    get:
      operationId: quote
      parameters: [{ name: sku, in: query${parameter}, schema: { type: string } }]
      responses: { '200': { description: The price } }
  /prices:
    get: { operationId: list, responses: { '200': { description: All prices } } }
`
const files: Record<string, string> = {
  'spandrel.yaml': system,
  'orders.yaml': message('send', 'announce', 'id, total', 'id: { type: string }, total: { type: integer }'),
  'billing.yaml': message('receive', 'bill', 'id, total', 'id: { type: string }, total: { type: integer }'),
  'mailer.yaml': message('receive', 'mail', 'id', 'id: { type: string }'),
  'prices.yaml': prices(''),
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spandrel-diff-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(changes: Record<string, string>): string {
  for (const [name, text] of Object.entries({ ...files, ...changes })) writeFileSync(join(folder, name), text)
  return join(folder, 'spandrel.yaml')
}

function compare(changes: Record<string, string>): DiffResult {
  const base = loadSide({ system: write({}) })
  const revision = loadSide({ system: write(changes) })
  if (base.system === undefined || revision.system === undefined) {
    throw new Error(JSON.stringify([base.findings, revision.findings]))
  }
  return diffSystems(base, revision)
}

function consumersOf({ findings }: DiffResult, id: string): string[] {
  const found = findings.filter((one) => one.id === id)
  expect(found).toHaveLength(1)
  return (found[0]?.consumers ?? []).map(({ service, owner, broken }) => `${service} ${owner} ${broken}`)
}

test('a message breaks the consumer whose own schema no longer fits, and not the one that asked for less', () => {
  const changed = message('send', 'announce', 'id', 'id: { type: string }, total: { type: integer }')
  expect(consumersOf(compare({ 'orders.yaml': changed }), 'sent-schema-widened')).toEqual([
    'billing team-money yes',
    'mailer team-mail no',
  ])
})

test('a stricter receive breaks the sender that does not fit it', () => {
  const changed = message('receive', 'mail', 'id, address', 'id: { type: string }, address: { type: string }')
  const result = compare({ 'mailer.yaml': changed })
  expect(consumersOf(result, 'received-schema-narrowed')).toEqual(['orders team-orders yes'])
  expect(consumersOf(result, 'stored-messages-unreadable')).toEqual(['mailer team-mail yes'])
})

test('what no sender of the system ever wrote is not stored either', () => {
  const narrow = message('receive', 'bill', 'id, total', 'id: { type: string }, total: { type: [integer, "null"] }')
  const wide = message('receive', 'bill', 'id, total', 'id: { type: string }, total: { type: integer }')
  const base = loadSide({ system: write({ 'billing.yaml': narrow }) })
  const revision = loadSide({ system: write({ 'billing.yaml': wide }) })
  if (base.system === undefined || revision.system === undefined) throw new Error('unread')
  const result = diffSystems(base, revision)
  expect(consumersOf(result, 'received-schema-narrowed')).toEqual(['orders team-orders no'])
  expect(result.findings.map(({ id }) => id)).not.toContain('stored-messages-unreadable')
})

test('a call breaks who makes it; who calls another operation of the service is named as not broken', () => {
  const result = compare({ 'prices.yaml': prices(', required: true') })
  expect(consumersOf(result, 'parameter-became-required')).toEqual(['orders team-orders yes', 'mailer team-mail no'])
})

test('fingerprints are the same after lines have moved, and another for another change', () => {
  const changed = prices(', required: true')
  const [one] = compare({ 'prices.yaml': changed }).findings
  const [moved] = compare({ 'prices.yaml': `# a line\n# and another\n${changed}` }).findings
  expect(moved?.line).toBe((one?.line ?? 0) + 2)
  expect(moved?.fingerprint).toBe(one?.fingerprint)
  const [other] = compare({ 'prices.yaml': changed.replace('name: sku', 'name: skus') }).findings
  expect(other?.fingerprint).not.toBe(one?.fingerprint)
})

test('a consumer that comes along in the same change is still broken where it is deployed', () => {
  const fields = 'id: { type: string }, total: { type: integer }'
  const together = compare({
    'orders.yaml': message('send', 'announce', 'id', fields),
    'billing.yaml': message('receive', 'bill', 'id', fields),
  })
  expect(consumersOf(together, 'sent-schema-widened')).toEqual(['billing team-money yes', 'mailer team-mail no'])
  const because = together.findings.find(({ id }) => id === 'sent-schema-widened')?.consumers[0]?.because
  expect(because).toBe('its own schema, as it is deployed now, does not fit the change (`required` at `/`)')
  const mirror = compare({
    'mailer.yaml': message('receive', 'mail', 'id, note', 'id: { type: string }, note: { type: string }'),
    'orders.yaml': message('send', 'announce', 'id, total, note', `${fields}, note: { type: string }`),
  })
  expect(consumersOf(mirror, 'received-schema-narrowed')).toEqual(['orders team-orders yes'])
})

test('a correlation id that moved is told to those who receive that message, once each', () => {
  const two = (correlated: string) => `
asyncapi: 3.0.0
info: { title: orders, version: 1.0.0 }
channels:
  orders:
    address: shop.orders
    messages:
      orderPlaced: { payload: { type: object } }
      orderClosed: { payload: { type: object }${correlated} }
operations:
  announce: { action: send, channel: { $ref: '#/channels/orders' } }
`
  const closed = message('receive', 'mail', 'id', 'id: { type: string }').replace('orderPlaced', 'orderClosed')
  const reads = { 'mailer.yaml': closed }
  const base = loadSide({
    system: write({ ...reads, 'orders.yaml': two(", correlationId: { location: '$message.payload#/id' }") }),
  })
  const revision = loadSide({ system: write({ ...reads, 'orders.yaml': two('') }) })
  if (base.system === undefined || revision.system === undefined) throw new Error('unread')
  expect(consumersOf(diffSystems(base, revision), 'correlation-location-changed')).toEqual(['mailer team-mail yes'])
})

/** orders says of its message what it is; mailer, its only receiver, goes on with these operations. */
function mailerGoes(sender: string, operations: string): DiffResult {
  const one = {
    'orders.yaml': files['orders.yaml']?.replace('payload:', `${sender}\n        payload:`) ?? '',
    'billing.yaml': 'openapi: 3.1.0\ninfo: { title: Billing, version: 1.0.0 }\npaths: {}\n',
  }
  const base = loadSide({ system: write(one) })
  const mailer = files['mailer.yaml']?.replace(/operations:[^]*$/, operations) ?? ''
  const revision = loadSide({ system: write({ ...one, 'mailer.yaml': mailer }) })
  if (base.system === undefined || revision.system === undefined) throw new Error('unread')
  return diffSystems(base, revision)
}

test.each([
  ['operation-removed', 'operations: {}\n'],
  [
    'message-removed',
    "operations: { mail: { action: receive, channel: { $ref: '#/channels/orders' }, messages: [] } }\n",
  ],
])('%s: who stops listening breaks the sender of a command, and not of an event', (id, operations) => {
  const event = mailerGoes('x-intent: event', operations)
  expect(consumersOf(event, id)).toEqual(['orders team-orders no'])
  expect(event.findings[0]).toMatchObject({
    level: 'warning',
    consumers: [{ because: 'sends to shop.orders what expects nothing of who receives it' }],
  })
  const command = mailerGoes('x-intent: command', operations)
  expect(consumersOf(command, id)).toEqual(['orders team-orders yes'])
  expect(command.findings[0]).toMatchObject({
    level: 'breaking',
    consumers: [{ because: 'sends orderPlaced to shop.orders, and waits for what comes of it' }],
  })
})

test('nobody is broken by what offers more, and nobody for certain by what is only a warning', () => {
  const more = prices('').replace(
    "'200': { description: The price }",
    "'200': { description: The price }, '404': { description: None }",
  )
  expect(consumersOf(compare({ 'prices.yaml': more }), 'response-error-added')).toEqual([
    'orders team-orders no',
    'mailer team-mail no',
  ])
  const gone = prices('').replace('parameters: [{ name: sku, in: query, schema: { type: string } }]', 'parameters: []')
  expect(consumersOf(compare({ 'prices.yaml': gone }), 'parameter-removed')).toEqual([
    'orders team-orders unknown',
    'mailer team-mail no',
  ])
})

test('who calls other operations only is named once, with all of them', () => {
  const more = (required: string) =>
    `${prices(required)}  /rates:\n    get: { operationId: rates, responses: { '200': { description: All rates } } }\n`
  const uses = system.replace(
    'prices.list: { style: rpc }',
    'prices.list: { style: rpc }, prices.rates: { style: rpc }',
  )
  const base = loadSide({ system: write({ 'spandrel.yaml': uses, 'prices.yaml': more('') }) })
  const revision = loadSide({ system: write({ 'spandrel.yaml': uses, 'prices.yaml': more(', required: true') }) })
  if (base.system === undefined || revision.system === undefined) throw new Error('unread')
  const result = diffSystems(base, revision)
  expect(consumersOf(result, 'parameter-became-required')).toEqual(['orders team-orders yes', 'mailer team-mail no'])
  expect(result.findings[0]?.consumers[1]?.because).toBe('calls prices.list and prices.rates only')
})
