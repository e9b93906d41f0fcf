/** WebSockets and streams of events: exchanges that have no end of their own. */
import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { gateway, raw, rawService, service, type RawService, type TestGateway, until } from '../servers.ts'
import { bearer, system } from '../system.ts'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
const ask = (path = '/ws', more = ''): string =>
  `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\nsec-websocket-key: ${key}\r\n` +
  `sec-websocket-version: 13\r\nsec-websocket-protocol: chat\r\n${more}\r\n`
const agreed = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`

interface Chat extends TestGateway {
  one: RawService
  sockets: Socket[]
}

async function chat(answer: string, limits: object = {}): Promise<Chat> {
  const sockets: Socket[] = []
  const one = await rawService((socket) => {
    sockets.push(socket)
    socket.once('data', () => socket.write(answer, 'latin1'))
  })
  const edge = await gateway({
    system: system({
      one: {
        url: one.url,
        operations: {
          chat: { path: '/ws', answers: { '101': 'text/plain' } },
          plain: { path: '/plain' },
          events: { path: '/events', answers: { '200': 'text/event-stream' } },
        },
      },
    }),
    limits,
  })
  return { ...edge, one, sockets }
}

const opened = (text: string): boolean => text.includes('\r\n\r\n')

test('a WebSocket opens where the operation declares 101, and passes bytes both ways', async () => {
  const { port, one, sockets } = await chat(`${agreed}first`)
  const client = raw(port, `${ask()}early`)
  const head = await client.until((text) => text.endsWith('first'))
  expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
  expect(head).toContain(`sec-websocket-accept: ${accept}\r\n`)
  expect(head).toContain('connection: upgrade\r\nupgrade: websocket\r\n')
  expect(one.received()).toMatch(/connection: upgrade\r\nupgrade: websocket\r\n/)
  expect(one.received()).toContain('sec-websocket-protocol: chat\r\n')
  await until(() => one.received().endsWith('early'))
  sockets[0]?.write('from the service')
  await client.until((text) => text.endsWith('from the service'))
  client.socket.write('from the client')
  await until(() => one.received().endsWith('from the client'))
})

test('a WebSocket is not opened where the contract has none: it is an ordinary request', async () => {
  const { port, one } = await chat('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  const client = raw(port, ask('/plain'))
  expect(await client.until((text) => text.endsWith('ok'))).toMatch(/^HTTP\/1\.1 200 /)
  expect(one.received().toLowerCase()).not.toContain('upgrade')
})

test('a WebSocket that the gateway refuses never reaches the service', async () => {
  const one = await rawService()
  const { port } = await gateway({
    system: system({
      one: {
        url: one.url,
        operations: { chat: { path: '/ws', answers: { '101': 'text/plain' }, security: [[{ scheme: bearer }]] } },
      },
    }),
    auth: { jwt: { jwks: { keys: [] }, issuer: 'i', audience: 'a' } },
  })
  const text = await raw(port, ask()).closed
  expect(text).toMatch(/^HTTP\/1\.1 401 /)
  expect(text).toContain('application/problem+json')
  expect(one.connections()).toBe(0)
})

// from http-party/node-http-proxy#877 and #1468
test('a WebSocket that the service refuses is answered in HTTP, and both connections end', async () => {
  const { port, sockets } = await chat('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nx-why: no\r\n\r\nno')
  const text = await raw(port, ask()).closed
  expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
  expect(text).toContain('x-why: no\r\n')
  expect(text.endsWith('\r\n\r\nno')).toBe(true)
  await until(() => sockets[0]?.destroyed === true)
})

// from 0ang3el, "WebSocket smuggling" (2019): a tunnel without a WebSocket behind it
test('a service that says 101 without having read the key gets no tunnel', async () => {
  const { port, one } = await chat(agreed.replace(accept, 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='))
  const text = await raw(port, `${ask()}GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n`).closed
  expect(text).toMatch(/^HTTP\/1\.1 502 /)
  expect(one.received()).not.toContain('smuggled')
})

test('a service that changes to another protocol gets no tunnel', async () => {
  const { port } = await chat(agreed.replace('websocket', 'h2c'))
  expect(await raw(port, ask()).closed).toMatch(/^HTTP\/1\.1 502 /)
})

test('an upgrade with a body is refused', async () => {
  const { port, one } = await chat(agreed)
  const text = await raw(port, `${ask('/ws', 'content-length: 30\r\n')}GET /smuggled HTTP/1.1\r\n\r\n`).closed
  expect(text).toMatch(/^HTTP\/1\.1 400 /)
  expect(one.connections()).toBe(0)
})

// from http-party/node-http-proxy#559 and #1510
test('a client that breaks off ends the WebSocket at the service', async () => {
  const { port, sockets, gateway: edge } = await chat(agreed)
  const client = raw(port, ask())
  await client.until(opened)
  expect(edge.health().inFlight).toBe(1)
  client.socket.resetAndDestroy()
  await until(() => sockets[0]?.destroyed === true && edge.health().inFlight === 0)
  expect(edge.metrics()).toContain('operation="chat",status="101"} 1')
})

test('a service that breaks off ends the WebSocket at the client', async () => {
  const { port, sockets, gateway: edge } = await chat(agreed)
  const client = raw(port, ask())
  await client.until(opened)
  sockets[0]?.resetAndDestroy()
  expect(await client.closed).toMatch(/\r\n\r\n$/)
  await until(() => edge.health().inFlight === 0)
})

test('what a service says last before it ends a WebSocket still arrives', async () => {
  const { port, sockets } = await chat(agreed)
  const client = raw(port, ask())
  await client.until(opened)
  sockets[0]?.end('x'.repeat(500_000))
  expect((await client.closed).length).toBeGreaterThan(500_000)
})

test('a WebSocket without a byte is ended after the time for silence', async () => {
  const { port, sockets } = await chat(agreed, { idleMs: 200 })
  expect(await raw(port, ask()).closed).toMatch(/^HTTP\/1\.1 101 /)
  await until(() => sockets[0]?.destroyed === true)
})

test('a WebSocket whose client takes nothing does not fill our memory', async () => {
  const { port, sockets } = await chat(agreed, { idleMs: 400 })
  const client = raw(port, ask())
  await client.until(opened)
  client.socket.pause()
  const [socket] = sockets as [Socket]
  let written = 0
  const more = (): void => {
    do written += 65_536
    while (socket.write(Buffer.alloc(65_536)))
  }
  socket.on('drain', more)
  more()
  await until(() => socket.destroyed)
  expect(written).toBeLessThan(30_000_000)
})

test('an open WebSocket is cut at the deadline of a stop, and not before', async () => {
  const { port, gateway: edge } = await chat(agreed)
  const client = raw(port, ask())
  await client.until(opened)
  const began = performance.now()
  await Promise.all([edge.close({ deadlineMs: 300 }), client.closed])
  expect(performance.now() - began).toBeGreaterThan(290)
})

/** A service whose streams of events are in the hands of the test. */
async function feed(limits: object = {}): Promise<TestGateway & { streams: ServerResponse[]; closed: () => number }> {
  const streams: ServerResponse[] = []
  let closed = 0
  const one = await service((_request, response) => {
    response.on('close', () => closed++)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    streams.push(response)
  })
  const edge = await gateway({
    system: system({
      one: {
        url: one.url,
        operations: { events: { path: '/events', answers: { '200': 'text/event-stream' } } },
      },
    }),
    limits,
  })
  return { ...edge, streams, closed: () => closed }
}

const events = 'GET /events HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n'

// from fastify/fastify-reply-from#424
test('each event goes on at once, and a client that leaves ends the stream at the service', async () => {
  const { port, streams, closed, gateway: edge } = await feed()
  const client = raw(port, events)
  await client.until(opened)
  for (const word of ['one', 'two', 'three']) {
    streams[0]?.write(`data: ${word}\n\n`)
    await client.until((text) => text.includes(`data: ${word}\n\n`))
  }
  client.socket.destroy()
  await until(() => closed() === 1 && edge.health().inFlight === 0)
  expect(edge.metrics()).not.toContain('service_failures_total{')
})

test('a stream of events outlives the time for an answer, and ends after the time for silence', async () => {
  const { port, streams } = await feed({ timeoutMs: 300, idleMs: 1500 })
  const client = raw(port, events)
  await client.until(opened)
  const began = performance.now()
  const beat = setInterval(() => streams[0]?.write(': beat\n\n'), 100)
  await client.until((text) => text.split('beat').length > 8)
  clearInterval(beat)
  expect(performance.now() - began).toBeGreaterThan(600)
  await client.closed
  expect(client.received()).not.toContain('\r\n0\r\n\r\n')
})

test('a stop ends a stream of events between two events, and the client sees a whole answer', async () => {
  const { port, streams, gateway: edge } = await feed()
  const quiet = raw(port, events)
  const busy = raw(port, events)
  await Promise.all([quiet.until(opened), busy.until(opened)])
  await until(() => streams.length === 2)
  for (const stream of streams) stream.write('data: 1\n\n')
  await Promise.all([quiet, busy].map((client) => client.until((text) => text.includes('data: 1'))))
  streams[0]?.write('data: half')
  await Promise.race([quiet, busy].map((client) => client.until((text) => text.includes('data: half'))))
  const began = performance.now()
  const closing = edge.close({ deadlineMs: 10_000 })
  await Promise.race([quiet.closed, busy.closed])
  streams[0]?.write(' and half\n\n')
  const texts = await Promise.all([quiet.closed, busy.closed])
  await closing
  expect(texts.every((text) => text.endsWith('\r\n0\r\n\r\n'))).toBe(true)
  expect(texts.filter((text) => text.includes(' and half\n\n'))).toHaveLength(1)
  expect(performance.now() - began).toBeLessThan(5000)
})
