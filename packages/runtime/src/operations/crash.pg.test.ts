/** A process is killed at each named point of an operation; the retry of its key must find exactly one effect. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { ask, effects } from '../../test/ask.ts'
import { type BookingsProcess, bookingsProcess } from '../../test/bookings-process.ts'
import { prepareBookings } from '../../test/bookings-service.ts'

let database: TestDatabase
const processes: BookingsProcess[] = []
let number = 0

beforeAll(async () => {
  database = await testDatabase()
  await prepareBookings(database.pool)
})

afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each.close()))
})

/** A service that kills itself at a point, while a request is being handled. */
async function killedAt(point: string, path: string, item: string): Promise<void> {
  const victim = await bookingsProcess(database.url, {}, { faults: `${point}=kill` })
  processes.push(victim)
  await expect(ask(victim.url, path, { item }, { key: item })).rejects.toThrow('fetch failed')
  expect(await victim.ended).toEqual({ code: null, signal: 'SIGKILL' })
  expect(await victim.faults()).toContain(`${point} kill`)
}

describe.each(['/bookings', '/waiting-bookings'])('%s', (path) => {
  test.each([
    ['operation.claimed', 0],
    ['operation.handled', 0],
    ['operation.committed', 1],
  ])('killed at %s: %i effects; then the retry: one effect, one message', async (point, before) => {
    const item = `crash-${++number}`
    await killedAt(point, path, item)
    expect(await effects(database.pool, item)).toEqual({ effects: before, messages: before })
    const survivor = await bookingsProcess(database.url)
    processes.push(survivor)
    const answer = await ask(survivor.url, path, { item }, { key: item })
    expect(answer).toMatchObject({ status: 201, replayed: before === 1 })
    expect(answer.text).toContain(item)
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
  })
})

test('FM10: a service that cannot start ends with a code that says so', async () => {
  const empty = await testDatabase()
  await expect(bookingsProcess(empty.url)).rejects.toThrow('"code":1')
})

describe('the mutants break what they should', () => {
  test('keys-off: two requests with one key are two effects', async () => {
    const mutant = await bookingsProcess(database.url, {}, { mutant: 'keys-off' })
    processes.push(mutant)
    const item = `mutant-${++number}`
    await ask(mutant.url, '/bookings', { item }, { key: item })
    await ask(mutant.url, '/bookings', { item }, { key: item })
    expect(await effects(database.pool, item)).toEqual({ effects: 2, messages: 2 })
  })

  test('any-record-suppresses: what an attempt left behind when it was killed answers its retry, without an effect', async () => {
    const victim = await bookingsProcess(
      database.url,
      {},
      { mutant: 'any-record-suppresses', faults: 'operation.handled=kill' },
    )
    processes.push(victim)
    const item = `mutant-${++number}`
    await expect(ask(victim.url, '/bookings', { item }, { key: item })).rejects.toThrow('fetch failed')
    expect(await victim.faults()).toContain('operation.handled kill')
    const survivor = await bookingsProcess(database.url, {}, { mutant: 'any-record-suppresses' })
    processes.push(survivor)
    expect(await ask(survivor.url, '/bookings', { item }, { key: item })).toMatchObject({ status: 201, replayed: true })
    expect(await effects(database.pool, item)).toEqual({ effects: 0, messages: 0 })
    const healthy = `mutant-${++number}`
    expect(await ask(survivor.url, '/bookings', { item: healthy }, { key: healthy })).toMatchObject({
      status: 201,
      replayed: false,
    })
    expect(await effects(database.pool, healthy)).toEqual({ effects: 1, messages: 1 })
  })
})
