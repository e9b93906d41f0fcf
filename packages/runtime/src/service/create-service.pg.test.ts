import { once } from 'node:events'
import { connect } from 'node:net'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { ask, effects, until } from '../../test/ask.ts'
import { bookings, type BookingTypes, noGuarantees, validator } from '../../test/bookings-contract.ts'
import { bookingsProcess } from '../../test/bookings-process.ts'
import { book, bookingService, gates, prepareBookings } from '../../test/bookings-service.ts'
import type { ContractTypes, ServiceContract } from '../contract/service-contract.ts'
import { pgDatabase } from '../database/pg.ts'
import { migrateService, migrateStream } from '../schema/migrate.ts'
import { registrationOf } from '../schema/registration.ts'
import { createService, type Service } from './create-service.ts'

let database: TestDatabase
let stream: TestDatabase
const services: Service[] = []
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
let number = 0
const fresh = (): string => `item-${++number}`

/** Bookings that hear of themselves: one service, the whole road. */
interface RoundTripTypes extends ContractTypes {
  operations: Pick<BookingTypes['operations'], 'book'>
  sends: BookingTypes['sends']
  receives: { countBooking: { data: { bookingId: number; item: string }; type: 'booked' } }
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- what the generator writes for none
  uses: Record<never, never>
}

const { $types: _types, ...base } = bookings({ service: 'roundtrip' })
const roundTrip: ServiceContract<RoundTripTypes> = {
  ...base,
  operations: { book: base.operations.book },
  uses: {},
  receives: {
    countBooking: {
      operation: 'countBooking',
      channel: 'bookings.booked',
      messages: { booked: validator(() => undefined) },
      effects: 'transaction',
      guarantees: noGuarantees,
    },
  },
}

beforeAll(async () => {
  database = await testDatabase({ max: 20 })
  stream = await testDatabase()
  await migrateService(database.pool, registrationOf(roundTrip as ServiceContract))
  await migrateStream(stream.pool, registrationOf(roundTrip as ServiceContract))
  await database.pool.query('create table effects (id bigint generated always as identity, item text not null)')
  await database.pool.query('create table counted (item text not null)')
})

afterEach(async () => {
  for (const service of services.splice(0)) await service.close({ deadlineMs: 5000 })
})

function roundTripService(more: Partial<Parameters<typeof createService>[1]> = {}): Service {
  const service = createService(roundTrip, {
    database: pgDatabase(database.pool, database.doorbells),
    transport: stream.url,
    logger: quiet,
    ...(more as object),
    handlers: {
      book: (input, context) => book(input as never, context as never),
      async countBooking({ data }, { tx }) {
        await tx.query('insert into counted (item) values ($1)', [data.item])
      },
    },
  })
  services.push(service)
  return service
}

async function counted(item: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>('select count(*)::int from counted where item = $1', [
    item,
  ])
  return rows[0]?.count ?? 0
}

test('FM36: the whole road: a request, its message, its receiver, each once; health and metrics tell of it', async () => {
  const service = roundTripService()
  const { url } = await service.listen({ port: 0 })
  const item = fresh()
  await ask(url, '/bookings', { item }, { key: item })
  await until('the message was handled', async () => (await counted(item)) === 1)
  const health = service.health()
  expect(health.status).toBe('ok')
  expect(Object.keys(health.loops)).toEqual(['relay', 'consumer', 'expiry'])
  for (const loop of Object.values(health.loops)) expect(loop.lastSuccess).toBeGreaterThan(0)
  const metrics = service.metrics()
  expect(metrics).toContain('spandrel_requests_total{operation="book",status="201"} 1')
  expect(metrics).toMatch(/^spandrel_relay_oldest_unsent_seconds \d/m)
  expect(metrics).toMatch(/^spandrel_loop_last_success_seconds\{loop="relay"\} \d+/m)
  const helps = metrics.split('\n').filter((line) => line.startsWith('# HELP'))
  expect(helps.length).toBeGreaterThan(20)
  expect(helps.filter((line) => /See docs|as health shows it/.test(line))).toEqual([])
  expect(metrics).toContain(
    '# HELP spandrel_relay_oldest_unsent_seconds Age of the oldest message in the outbox that is not sent yet, in seconds\n',
  )
})

test('a service whose relay runs elsewhere rings it', async () => {
  // Its own poll would come far too late.
  const elsewhere = roundTripService({ relay: { pollMs: 60_000 } })
  await elsewhere.start()
  await until('it holds the lease', () => elsewhere.health().loops['relay']?.gauges['holdsLease'] === 1)
  const { url } = await roundTripService({ relay: false, consume: false }).listen({ port: 0 })
  const item = fresh()
  await ask(url, '/bookings', { item }, { key: item })
  await until('the message was handled', async () => (await counted(item)) > 0, 5000)
  expect(await counted(item)).toBe(1)
})

describe('management', () => {
  test('live and ready are open; health and metrics are for this machine, or for the token', async () => {
    const open = await roundTripService().listen({ port: 0 })
    const get = async (url: string, path: string, headers: Record<string, string> = {}) =>
      (await fetch(`${url}/.spandrel/${path}`, { headers })).status
    expect(await get(open.url, 'live')).toBe(200)
    expect(await get(open.url, 'ready')).toBe(200)
    expect(await get(open.url, 'health')).toBe(200)
    expect(await get(open.url, 'metrics')).toBe(200)
    expect(await get(open.url, 'metrics', { 'x-forwarded-for': '10.0.0.1' })).toBe(403)
    expect(await get(open.url, 'nothing')).toBe(404)
    const closed = await roundTripService({ managementToken: 'secret', relay: false, consume: false }).listen({
      port: 0,
    })
    expect(await get(closed.url, 'live')).toBe(200)
    expect(await get(closed.url, 'health')).toBe(401)
    expect(await get(closed.url, 'health', { authorization: 'Bearer wrong' })).toBe(401)
    expect(await get(closed.url, 'health', { authorization: 'Bearer secret' })).toBe(200)
  })

  test('ready is not live: while the service stops it is not ready', async () => {
    const service = roundTripService({ relay: false, consume: false })
    const { url } = await service.listen({ port: 0 })
    const item = fresh()
    const gate = Promise.withResolvers<void>()
    gates.set(item, gate)
    const asked = ask(url, '/bookings', { item, does: `gate:${item}` }, { key: item })
    await until('the request is in flight', () => service.health().requestsInFlight === 1)
    const closing = service.close()
    expect(service.health().status).toBe('stopping')
    gate.resolve()
    expect(await asked).toMatchObject({ status: 201 })
    await closing
    expect(service.health().status).toBe('closed')
  })
})

describe('starting', () => {
  test('says which command is missing', async () => {
    const empty = await testDatabase()
    const service = createService(bookings(), {
      database: empty.pool,
      relay: false,
      handlers: { book, bookWaiting: book, bookPlain: book, getBooking: () => Promise.resolve({ status: 404 }) },
    })
    await expect(service.listen({ port: 0 })).rejects.toMatchObject({
      code: 'database-not-migrated',
      hint: expect.stringContaining('spandrel migrate') as string,
    })
    await service.close()
  })

  test('without a transport is refused where messages are sent', async () => {
    const service = roundTripService({ transport: '' })
    await expect(service.start()).rejects.toMatchObject({ code: 'wrong-configuration' })
  })

  test('unknown options, missing and unknown handlers are refused', () => {
    const handlers = {
      book,
      bookWaiting: book,
      bookPlain: book,
      getBooking: () => Promise.resolve({ status: 404 as const }),
    }
    const make = (options: object) => () =>
      createService(bookings(), options as Parameters<typeof createService>[1] as never)
    expect(make({ database: database.pool, handlers, trustcaler: true })).toThrow('no option "trustcaler"')
    expect(make({ database: database.pool, handlers: { book } })).toThrow(
      'no handler for bookWaiting, bookPlain, getBooking',
    )
    expect(make({ database: database.pool, handlers: { ...handlers, boook: book } })).toThrow(
      'neither an operation nor a receive "boook"',
    )
  })

  test('twice on one port fails', async () => {
    const { port } = await roundTripService({ relay: false, consume: false }).listen({ port: 0 })
    await expect(roundTripService({ relay: false, consume: false }).listen({ port })).rejects.toThrow('EADDRINUSE')
  })
})

describe('FM25: stopping', () => {
  let bookingsDatabase: TestDatabase
  beforeAll(async () => {
    bookingsDatabase = await testDatabase({ max: 20 })
    await prepareBookings(bookingsDatabase.pool)
  })

  test('SIGTERM under load: every request in flight is answered, the rest is refused, and what was answered is there', async () => {
    const process = await bookingsProcess(bookingsDatabase.url)
    onTestFinished(() => process.close())
    const { url, child, ended } = process
    const items = Array.from({ length: 200 }, () => fresh())
    const outcomes: { item: string; status: number }[] = []
    let next = 0
    let answered = 0
    const client = async (): Promise<void> => {
      for (let item = items[next++]; item !== undefined; item = items[next++]) {
        const status = await ask(url, '/bookings', { item, ms: 30 }, { key: item }).then(
          (answer) => answer.status,
          () => 0,
        )
        outcomes.push({ item, status })
        answered++
      }
    }
    const clients = Array.from({ length: 8 }, client)
    await until('load is running', () => answered >= 30)
    child.kill('SIGTERM')
    await Promise.all(clients)
    expect(await ended).toEqual({ code: 0, signal: null })
    const counts = new Map<number, number>()
    for (const { item, status } of outcomes) {
      counts.set(status, (counts.get(status) ?? 0) + 1)
      const there = (await effects(bookingsDatabase.pool, item)).effects
      expect({ item, status, there }).toEqual({ item, status, there: status === 201 ? 1 : 0 })
    }
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual(expect.arrayContaining([201]))
    expect([0, 201, 503]).toEqual(expect.arrayContaining([...counts.keys()]))
    expect(counts.get(201)).toBeGreaterThanOrEqual(30)
    expect(outcomes.length - (counts.get(201) ?? 0)).toBeGreaterThan(0)
  })

  test('past its limit what is in flight is cut off: nothing of it is committed, and the process does not hang', async () => {
    const pool = new pg.Pool({ connectionString: bookingsDatabase.url })
    const service = bookingService(pool, { options: { logger: quiet } })
    const { url } = await service.listen({ port: 0 })
    const item = fresh()
    const stuck = ask(url, '/bookings', { item, does: 'stuck' }, { key: item })
    await until('the request is in flight', () => service.health().requestsInFlight === 1)
    await until('it has its effect', async () => {
      const { rows } = await bookingsDatabase.pool.query(
        `select from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and datname = current_database()`,
      )
      return rows.length > 0
    })
    const startedAt = performance.now()
    await service.close({ deadlineMs: 200 })
    expect(performance.now() - startedAt).toBeLessThan(3000)
    const end = await stuck.then(
      ({ status }) => status,
      () => 0,
    )
    expect([0, 503, 504]).toContain(end)
    expect(await effects(bookingsDatabase.pool, item)).toEqual({ effects: 0, messages: 0 })
    await pool.end()
  })

  test('`close` twice, and before `listen`, is fine; idle connections do not hold it up', async () => {
    const service = bookingService(bookingsDatabase.pool, { options: { logger: quiet } })
    const { port } = await service.listen({ port: 0 })
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const startedAt = performance.now()
    await Promise.all([service.close(), service.close()])
    expect(performance.now() - startedAt).toBeLessThan(2000)
    socket.destroy()
    await bookingService(bookingsDatabase.pool).close()
  })
})

afterAll(() => gates.clear())
