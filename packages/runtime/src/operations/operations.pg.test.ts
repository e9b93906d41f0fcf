import { afterEach, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { bookingService, prepareBookings } from '../../test/bookings-service.ts'
import type { Service } from '../service/create-service.ts'

let database: TestDatabase
const services: Service[] = []

beforeAll(async () => {
  database = await testDatabase({ max: 20 })
  await prepareBookings(database.pool)
})

afterEach(async () => {
  for (const service of services.splice(0)) await service.close({ deadlineMs: 1000 })
})

async function serve(options: Parameters<typeof bookingService>[1] = {}): Promise<string> {
  const service = bookingService(database.pool, options)
  services.push(service)
  const { url } = await service.listen({ port: 0 })
  return url
}

test('an operation runs in one transaction with what it sends, and a copy gets the first answer', async () => {
  const url = await serve()
  const ask = (): Promise<Response> =>
    fetch(`${url}/bookings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': '"k-1"', 'correlation-id': 'c-1' },
      body: JSON.stringify({ item: 'first' }),
    })
  const first = await ask()
  const text = await first.text()
  expect([first.status, text]).toEqual([201, expect.stringContaining('first')])
  expect(first.headers.get('correlation-id')).toBe('c-1')
  const second = await ask()
  expect(second.status).toBe(201)
  expect(await second.text()).toBe(text)
  expect(second.headers.get('idempotent-replayed')).toBe('true')
  const { rows } = await database.pool.query(
    `select count(*)::int as effects, (select count(*)::int from spandrel.outbox where attributes like '%"c-1"%') as messages from effects where item = 'first'`,
  )
  expect(rows).toEqual([{ effects: 1, messages: 1 }])
})
