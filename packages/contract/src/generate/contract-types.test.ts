/** The types of a generated contract: what they must let through compiles, and what they must refuse does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateService } from './generate.ts'
import { shop } from '../../test/generate/shop-fixture.ts'
import { typeScriptProject, type TypeScriptProject } from '../../test/generate/typescript-project.ts'

/** Before each of the texts below. */
const BASE = `import { createService, type Call, type Send } from '@spandrel/runtime'
import { orders, paymentsClient, type OrdersTypes, type Order } from './orders.contract.ts'
import type { Pool } from 'pg'
declare const database: Pool
declare const send: Send<OrdersTypes>
declare const call: Call<OrdersTypes>
`

const ACCEPTED = `createService(orders, {
  database,
  handlers: {
    async placeOrder({ body, headers }) {
      const skus: string[] = body.lines.map((line) => line.sku)
      const deeper: Order | null | undefined = body.instead?.instead
      if (skus.length === 0) return { status: 404, body: { title: headers['idempotency-key'] } }
      if (deeper === null) return { status: 409 }
      return { status: 202, body: { orderId: skus.join() }, headers: { location: '/orders/1' } }
    },
    async paymentDone(message, { note }) {
      if (message.type === 'captured') console.log(message.data.id)
      else note(message.data.why)
    },
  },
})
send('orderPlaced', { lines: [{ sku: 'a' }], instead: { lines: [] } })
const quote = await call('payments.quotePrice', { params: { sku: 'a' } })
if (quote.status === 200) console.log(quote.body.total.toFixed(2))
else if (quote.status === 404) console.log(quote.body satisfies undefined)
else console.log(quote.body.title?.length)
await call('payments.capture', { body: { amount: 1 } })
const client = paymentsClient({ baseUrl: 'http://127.0.0.1', headers: { authorization: 'x' } })
const captured = await client.capture({ headers: { 'idempotency-key': 'k' }, body: { amount: 1 } })
if (captured.status !== 201) console.log(captured.body.title)
`

/** What must not compile, and the line that must be pointed at where that is not the whole text. */
const REFUSED: readonly [name: string, code: string, line?: string][] = [
  ['a missing handler', `createService(orders, { database, handlers: { async paymentDone() {} } })`],
  [
    'a misspelt handler',
    `createService(orders, { database, handlers: {
  async placeOrder() { return { status: 409 } },
  async paymentDone() {},
  async paymentDnoe() {},
} })`,
    'async paymentDnoe() {},',
  ],

  [
    'an undeclared status',
    `createService(orders, { database, handlers: { async paymentDone() {}, async placeOrder() { return { status: 200 } } } })`,
  ],
  [
    'a status without its body',
    `createService(orders, { database, handlers: { async paymentDone() {}, async placeOrder() { return { status: 202 } } } })`,
  ],
  ['a message that is not sent', `send('orderPlacd', { lines: [] })`],
  ['a payload with a wrong member', `send('orderPlaced', { lines: [{ sku: 1 }] })`],
  ['a payload with a missing member', `send('orderPlaced', {})`],
  ['a payload with a member too many', `send('orderPlaced', { lines: [], x: 1 })`],
  ['a service that is not used', `await call('payments.refund', {})`],
  ['a call without its parameter', `await call('payments.quotePrice', {})`],
  ['a wrong parameter', `await call('payments.quotePrice', { params: { sku: 'a' }, query: { count: 'x' } })`],
  ['the client without its key', `await paymentsClient({ baseUrl: '' }).capture({ body: { amount: 1 } })`],
  [
    'an answer read without its status',
    `console.log((await call('payments.quotePrice', { params: { sku: 'a' } })).body.total)`,
  ],
]

/** file → the lines the compiler complains about; all texts in one run, for a run costs a second. */
const complaints = new Map<string, Set<string>>()
let project: TypeScriptProject

beforeAll(async () => {
  project = await typeScriptProject()
  const texts = new Map([['accepted', ACCEPTED], ...REFUSED.map(([name, code]) => [name, code] as const)])
  const files = [...texts].map(([name, text], index) => ({ name, file: `src/use-${index}.ts`, text: `${BASE}${text}` }))
  await project.write(Object.fromEntries(files.map(({ file, text }) => [file, text])))
  await project.write({ 'src/orders.contract.ts': generateService(shop(), 'orders') })
  for (const error of await project.typeCheck()) {
    const [, path, line] = /^(\S+?)\((\d+),\d+\): error TS/.exec(error) ?? []
    const found = files.find(({ file }) => file === path)
    if (found === undefined) throw new Error(error)
    const lines = complaints.get(found.name) ?? new Set()
    complaints.set(found.name, lines.add(found.text.split('\n')[Number(line) - 1]?.trim() ?? ''))
  }
})
afterAll(() => project[Symbol.asyncDispose]())

describe('types of a contract', () => {
  test('handlers, send, call and the client take what the contract says', () => {
    expect(complaints.get('accepted')).toBeUndefined()
  })

  test.each(REFUSED)('%s does not compile', (name, code, line = code) => {
    expect(complaints.get(name)).toEqual(new Set([line]))
  })
})
