/** `before`: ahead of the transaction, after the key; what it calls, and what becomes of its failures. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { ask, effects } from '../../test/ask.ts'
import { bookings } from '../../test/bookings-contract.ts'
import { book, prepareBookings } from '../../test/bookings-service.ts'
import { createService, type Service } from '../service/create-service.ts'

let database: TestDatabase
let provider: Server
let prices: string
let answer: (request: IncomingMessage, response: ServerResponse) => void
let seen: { url: string; headers: IncomingMessage['headers'] }[] = []
const services: Service[] = []
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
let number = 0
const fresh = (): string => `item-${++number}`

beforeAll(async () => {
  database = await testDatabase({ max: 20 })
  await prepareBookings(database.pool)
  provider = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers })
    request.resume()
    answer(request, response)
  })
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  prices = `http://127.0.0.1:${(provider.address() as { port: number }).port}`
})

afterEach(async () => {
  seen = []
  for (const service of services.splice(0)) await service.close({ deadlineMs: 1000 })
})

afterAll(async () => {
  provider.closeAllConnections()
  await new Promise((resolve) => provider.close(resolve))
})

const json = (status: number, body: object) => (_: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

async function serve(timeoutMs?: number): Promise<string> {
  const contract = bookings({ prices, ...(timeoutMs !== undefined && { timeoutMs }), uses: { timeoutMs: 300 } })
  const service = createService(contract, {
    database: database.pool,
    relay: false,
    logger: quiet,
    handlers: {
      book: {
        async before({ body }, { call }) {
          if (body.item === 'never') await new Promise(() => {})
          const quote = await call('prices.quote', { query: { item: body.item } })
          await call('prices.reserve', { body: { item: body.item } })
          return (context) => {
            context.note(`price ${quote.status === 200 ? quote.body.price : 'unknown'}`)
            return book({ params: {}, query: {}, headers: {}, body, caller: undefined }, context)
          }
        },
      },
      bookWaiting: {
        before: ({ body }, { call }) => call('prices.quote', { query: { item: body.item } }),
        handle: book,
      },
      bookPlain: {
        before: ({ body }, { call }) => {
          // What it keeps is the way to call inside a transaction, which is refused.
          kept = () => call('prices.quote', { query: { item: body.item } })
          return undefined
        },
        async handle(input, context) {
          await kept()
          return book(input, context)
        },
      },
      getBooking: () => Promise.resolve({ status: 404 }),
    },
  })
  services.push(service)
  const { url } = await service.listen({ port: 0 })
  return url
}
let kept: () => Promise<unknown> = () => Promise.resolve()

test('runs before the transaction and not at all for a key that is done; its calls carry correlation, trace, key and time', async () => {
  answer = (request, response) => json(request.url === '/reservations' ? 201 : 200, { price: 7 })(request, response)
  const url = await serve()
  const item = fresh()
  const headers = { 'correlation-id': `c-${item}`, 'request-timeout': '5000' }
  expect(await ask(url, '/bookings', { item }, { key: item, headers })).toMatchObject({ status: 201 })
  expect(seen.map(({ url }) => url)).toEqual([`/quote?item=${item}`, '/reservations'])
  expect(seen[1]?.headers).toMatchObject({ 'correlation-id': `c-${item}`, 'spandrel-caller': '/test/bookings' })
  expect(Number(seen[1]?.headers['request-timeout'])).toBeLessThanOrEqual(300)
  expect(await ask(url, '/bookings', { item }, { key: item, headers })).toMatchObject({ status: 201, replayed: true })
  expect(seen).toHaveLength(2)
  const { rows } = await database.pool.query<{ why: string }>(
    `select why from spandrel.journal where kind = 'note' and correlationid = $1 order by id`,
    [`c-${item}`],
  )
  expect(rows.map(({ why }) => why)).toEqual([`price 7`, `booked ${item}`])
})

test('a retry of a failed attempt repeats its calls with the same keys; another key has others', async () => {
  answer = (request, response) => json(request.url === '/reservations' ? 201 : 200, { price: 7 })(request, response)
  const url = await serve()
  const item = fresh()
  await ask(url, '/bookings', { item, does: 'throw' }, { key: item })
  await ask(url, '/bookings', { item, does: 'throw' }, { key: item })
  await ask(url, '/bookings', { item, does: 'throw' }, { key: `${item}b` })
  const keys = seen.filter(({ url }) => url === '/reservations').map(({ headers }) => headers['idempotency-key'])
  expect(keys).toHaveLength(3)
  expect(keys[0]).toBe(keys[1])
  expect(keys[2]).not.toBe(keys[0])
})

describe('failures: nothing has begun, nothing is remembered', () => {
  test.each([
    ['the provider refuses', json(400, {}), 502, 'provider-failed'],
    ['the provider fails', json(503, {}), 502, 'provider-failed'],
    ['the provider hangs', () => {}, 504, 'timeout'],
    [
      'the provider breaks off',
      (_: IncomingMessage, response: ServerResponse) => void response.destroy(),
      503,
      'unavailable',
    ],
  ])('%s', async (_, by, status, problem) => {
    const url = await serve()
    const item = fresh()
    answer = by
    expect(await ask(url, '/waiting-bookings', { item }, { key: item })).toMatchObject({ status, problem })
    answer = json(200, { price: 1 })
    expect(await ask(url, '/waiting-bookings', { item }, { key: item })).toMatchObject({ status: 201, replayed: false })
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
  })

  test('a `before` that outlives the time of the operation is not waited for', async () => {
    const url = await serve(200)
    answer = json(200, { price: 1 })
    const item = 'never'
    const startedAt = performance.now()
    expect(await ask(url, '/bookings', { item }, { key: item })).toMatchObject({ status: 504, problem: 'timeout' })
    expect(performance.now() - startedAt).toBeLessThan(1500)
  })
})

test('a `call` that was kept from `before` is refused inside the transaction', async () => {
  const url = await serve()
  answer = json(200, { price: 1 })
  const item = fresh()
  expect(await ask(url, '/plain-bookings', { item })).toMatchObject({ status: 500 })
  expect(seen).toHaveLength(0)
  await expect(kept()).resolves.toMatchObject({ status: 200 })
})
