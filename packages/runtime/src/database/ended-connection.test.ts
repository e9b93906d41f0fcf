import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { pgDatabase } from './pg.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** A message of the wire protocol (PostgreSQL, Frontend/Backend Protocol, Message Formats). */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const welcome = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))])
const fatal = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'))

test('FM55: a server that ends a connection in the moment it is opened fails a statement, not the process', async () => {
  let welcomed = 0
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      welcomed++
      socket.end(Buffer.concat([welcome, fatal]))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'u', database: 'd', max: 2, pipeline: true })
  closers.push(() => pool.end())
  const database = pgDatabase(pool)
  for (let time = 0; time < 5; time++) {
    await expect(database.transaction(({ query }) => query('select 1'))).rejects.toThrow(/connection/i)
    await expect(database.query('select 1')).rejects.toThrow(/connection/i)
  }
  expect(welcomed).toBeGreaterThanOrEqual(5)
})

test('FM56: a pool that cannot connect leaves no timer: the process ends as soon as it is done', async () => {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  await new Promise((resolve) => free.close(resolve))
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'u', database: 'd', max: 2 })
  closers.push(() => pool.end())
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  for (let time = 0; time < 5; time++) {
    await expect(pgDatabase(pool).query('select 1')).rejects.toThrow(/ECONNREFUSED/)
  }
  expect(timers()).toBeLessThan(before + 5)
})
