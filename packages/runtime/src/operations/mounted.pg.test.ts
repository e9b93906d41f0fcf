/** A service behind somebody else's body parsers. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import express from 'express'
import { afterEach, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { ask, effects } from '../../test/ask.ts'
import { bookingService, prepareBookings } from '../../test/bookings-service.ts'
import { Cleanup, quietLogger } from '../../test/consuming.ts'
import { CALLER_SIGNATURE_HEADER, signCaller } from './caller-signature.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

type Read = (request: IncomingMessage) => Promise<void> | void

/** Reads the body in its own way, then hands the request over. */
async function mounted(
  read: Read,
): Promise<{ url: string; pool: Awaited<ReturnType<typeof testDatabase>>['pool']; log: string[] }> {
  const { pool } = await testDatabase()
  await prepareBookings(pool)
  const log: string[] = []
  const logger = { ...quietLogger(), error: (fields: object) => void log.push(inspect(fields)) }
  const service = cleanup.add(bookingService(pool, { options: { logger } }))
  await service.start()
  const server = createServer((request, response) => {
    void (async () => {
      await read(request)
      if (!(await service.tryHandle(request, response))) response.writeHead(418).end()
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.add({ close: () => new Promise((resolve) => server.close(resolve)) })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pool, log }
}

const keep = (made: (bytes: Buffer) => unknown): Read => {
  return async (request) => {
    Object.assign(request, { body: made(await buffer(request)) })
  }
}

test.each<[string, Read]>([
  ['nobody', () => {}],
  [
    'a parser that keeps the value',
    keep((bytes) => (bytes.length === 0 ? undefined : (JSON.parse(bytes.toString()) as unknown))),
  ],
  ['a parser that keeps the bytes', keep((bytes) => bytes)],
  ['a parser that keeps the text', keep((bytes) => bytes.toString())],
])('a body read by %s: one effect for a key, another body is refused', async (_, read) => {
  const { url, pool } = await mounted(read)
  const first = await ask(url, '/bookings', { item: 'a' }, { key: 'k' })
  const again = await ask(url, '/bookings', { item: 'a' }, { key: 'k' })
  expect([first.status, again.status, again.replayed]).toEqual([201, 201, true])
  expect((await ask(url, '/bookings', { item: 'b' }, { key: 'k' })).status).toBe(422)
  expect((await ask(url, '/bookings', {} as never, { key: 'l' })).status).toBe(400)
  expect(await effects(pool, 'a')).toMatchObject({ effects: 1 })
  const other = await fetch(`${url}/other`)
  expect(other.status).toBe(418)
  expect((await fetch(`${url}/.spandrel/ready`)).status).toBe(200)
})

test('a body that was read and not kept: 500 at once, and the log says what to do', async () => {
  const { url, log } = await mounted(async (request) => {
    await buffer(request)
  })
  const answer = await ask(url, '/bookings', { item: 'a' }, { key: 'k' })
  expect(answer.status).toBe(500)
  expect(log.join('\n')).toContain('mount the service before whatever reads bodies')
})

test('under a path, and behind express.json()', async () => {
  const { pool } = await testDatabase()
  await prepareBookings(pool)
  const service = cleanup.add(bookingService(pool, { options: { logger: quietLogger() } }))
  await service.start()
  const app = express()
  app.use(express.json())
  app.use('/api', service.middleware())
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.add({ close: () => new Promise((resolve) => server.close(resolve)) })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect((await ask(`${url}/api`, '/bookings', { item: 'a' }, { key: 'k' })).status).toBe(201)
  expect((await ask(url, '/bookings', { item: 'a' }, { key: 'k' })).status).toBe(404)
  expect(await effects(pool, 'a')).toMatchObject({ effects: 1 })
})

test('under a path: a caller is signed with the path that was asked for', async () => {
  const { pool } = await testDatabase()
  await prepareBookings(pool, { key: { scope: 'caller' } })
  const options = { logger: quietLogger(), callerSecret: 'secret' }
  const service = cleanup.add(bookingService(pool, { key: { scope: 'caller' }, options }))
  await service.start()
  const app = express()
  app.use('/api', service.middleware())
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.add({ close: () => new Promise((resolve) => server.close(resolve)) })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`
  const signed = (target: string): Record<string, string> => ({
    'spandrel-caller': 'me',
    [CALLER_SIGNATURE_HEADER]: signCaller('secret', { caller: 'me', service: service.name, method: 'POST', target }),
  })
  const right = await ask(url, '/bookings', { item: 'a' }, { key: 'k', headers: signed('/api/bookings') })
  expect(right.status).toBe(201)
  const other = await ask(url, '/bookings', { item: 'a' }, { key: 'k', headers: signed('/bookings') })
  expect(other.status).toBe(401)
})
