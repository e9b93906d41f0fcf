import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { prepare, sendTogether } from './prepare.ts'
import { isAllowedHost } from './allowed-host.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function raw(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer(onConnection).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return `http://127.0.0.1:${port}/orders`
}

test.each([['{"a":1}'], [undefined]])('the last byte is held back until release, with body %j', async (body) => {
  let seen = ''
  const url = await raw((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      seen += chunk.toString()
      if (seen.endsWith(body ?? '\r\n\r\n')) socket.end('HTTP/1.1 204 No Content\r\n\r\n')
    })
  })
  const prepared = prepare({ method: 'POST', url, headers: [], ...(body !== undefined && { body }) })
  await prepared.ready
  await expect.poll(() => seen.length).toBeGreaterThan(20)
  const before = seen
  prepared.release()
  const { outcome, sentAt, firstByteAt, lastByteAt, connection } = await prepared.done
  expect(outcome).toMatchObject({ kind: 'answer', answer: { status: 204 } })
  expect(seen.slice(before.length)).toHaveLength(1)
  expect(sentAt).toBeLessThanOrEqual(firstByteAt!)
  expect(firstByteAt).toBeLessThanOrEqual(lastByteAt!)
  expect(connection).toMatch(/^127\.0\.0\.1:\d+$/)
})

test('given up before the last byte is unsent; after it, unknown', async () => {
  const url = await raw((socket) => socket.on('error', () => {}).resume())
  const early = prepare({ method: 'POST', url, headers: [], body: 'x' })
  await early.ready
  early.abort()
  expect((await early.done).outcome.kind).toBe('unsent')
  const late = prepare({ method: 'POST', url, headers: [], body: 'x' })
  await late.ready
  late.release()
  late.abort()
  expect((await late.done).outcome).toEqual({ kind: 'unknown', why: 'given up by the client' })
})

test('no answer in time is unknown, nobody there is unsent, half an answer is unknown', async () => {
  const silent = await raw((socket) => socket.on('error', () => {}).resume())
  const [slow] = await sendTogether([{ method: 'POST', url: silent, headers: [], body: 'x' }], { timeoutMs: 50 })
  expect(slow?.outcome).toEqual({ kind: 'unknown', why: 'no answer within 50 ms' })
  const [nobody] = await sendTogether([{ method: 'POST', url: 'http://127.0.0.1:1/', headers: [], body: 'x' }])
  expect(nobody?.outcome.kind).toBe('unsent')
  const half = await raw((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nabc')),
  )
  const [cut] = await sendTogether([{ method: 'POST', url: half, headers: [], body: 'xy' }])
  expect(cut?.outcome.kind).toBe('unknown')
})

test('this machine, or a host that was named', () => {
  for (const url of ['http://localhost:1/', 'http://127.9.9.9/', 'http://[::1]:80/', 'http://a.localhost/'])
    expect(isAllowedHost(url)).toBe(true)
  for (const url of ['http://127.0.0.1.evil.example/', 'http://localhost.evil.example/', 'http://10.0.0.1/'])
    expect(isAllowedHost(url)).toBe(false)
  expect(isAllowedHost('http://Staging.example:8080/', ['staging.example'])).toBe(true)
})
