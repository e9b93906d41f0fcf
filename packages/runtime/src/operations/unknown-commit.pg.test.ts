/** A COMMIT whose answer never comes: the key record tells what became of it. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { ask, effects } from '../../test/ask.ts'
import { bookingService, prepareBookings } from '../../test/bookings-service.ts'
import { type CuttingProxy, cuttingProxy } from '../../test/cutting-proxy.ts'
import type { Service } from '../service/create-service.ts'

let database: TestDatabase
let proxy: CuttingProxy
let pool: pg.Pool
let service: Service
let url: string
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
let number = 0

beforeAll(async () => {
  database = await testDatabase()
  await prepareBookings(database.pool)
  proxy = await cuttingProxy(database.url)
  pool = new pg.Pool({ connectionString: proxy.url, pipeline: true })
  service = bookingService(pool, { options: { logger: quiet } })
  ;({ url } = await service.listen({ port: 0 }))
})

afterAll(async () => {
  await service.close()
  await pool.end()
  await proxy.close()
})

describe.each(['before', 'after'] as const)('lost %s it happened', (where) => {
  test.each(['/bookings', '/waiting-bookings'])(
    '%s: answered as the first, with one effect and one message',
    async (path) => {
      const item = `unknown-${++number}`
      const lost = proxy.loseNextCommit(where)
      const answer = await ask(url, path, { item }, { key: item })
      await lost
      expect(answer).toMatchObject({ status: 201, replayed: false })
      expect(answer.text).toContain(item)
      expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
      expect(await ask(url, path, { item }, { key: item })).toMatchObject({
        status: 201,
        replayed: true,
        text: answer.text,
      })
    },
  )

  test('without a key nobody can tell, and the answer says so', async () => {
    const item = `unknown-${++number}`
    const lost = proxy.loseNextCommit(where)
    expect(await ask(url, '/plain-bookings', { item })).toMatchObject({ status: 503, problem: 'outcome-unknown' })
    await lost
    expect((await effects(database.pool, item)).effects).toBe(where === 'after' ? 1 : 0)
  })
})
