/** The types of a generated contract: what they must let through compiles, and what they must refuse does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateService } from './generate.ts'
import { shop } from './shop-fixture.ts'
import { typeScriptProject, type TypeScriptProject } from './typescript-project.ts'

let project: TypeScriptProject
beforeAll(async () => {
  project = await typeScriptProject()
})
afterAll(() => project[Symbol.asyncDispose]())

/** A consumer's code beside the generated file; its errors, each with the line it is about. */
async function errorsOf(code: string): Promise<string[]> {
  await project.write({ 'src/orders.contract.ts': generateService(shop(), 'orders'), 'src/use.ts': code })
  const lines = code.split('\n')
  const errors = await project.typeCheck()
  return errors.map((error) => {
    const [, line, fault] = /^src\/use\.ts\((\d+),\d+\): error (TS\d+)/.exec(error) ?? []
    return line === undefined ? error : `${fault} at ${lines[Number(line) - 1]?.trim()}`
  })
}

describe('types of a contract', () => {
  const BASE = `import { createService, type Call, type Send } from '@spandrel/runtime'
import { orders, paymentsClient, type OrdersTypes, type Order } from './orders.contract.ts'
import type { Pool } from 'pg'
declare const database: Pool
declare const send: Send<OrdersTypes>
declare const call: Call<OrdersTypes>
`

  test('handlers, send, call and the client take what the contract says', async () => {
    const errors = await errorsOf(`${BASE}
createService(orders, {
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
`)
    expect(errors).toEqual([])
  })

  test('a missing handler does not compile', async () => {
    expect(
      await errorsOf(`${BASE}
createService(orders, { database, handlers: { async paymentDone() {} } })`),
    ).toEqual([`TS2322 at createService(orders, { database, handlers: { async paymentDone() {} } })`])
  })

  test('a misspelt handler does not compile', async () => {
    const errors = await errorsOf(`${BASE}
createService(orders, { database, handlers: {
  async placeOrder() { return { status: 409 } },
  async paymentDone() {},
  async paymentDnoe() {},
} })`)
    expect(errors).toEqual(['TS2322 at async paymentDnoe() {},'])
  })

  test.each([
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
  ])('%s does not compile', async (_name, code) => {
    const errors = await errorsOf(`${BASE}\n${code}`)
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.every((error) => error.endsWith(code))).toBe(true)
  })
})
