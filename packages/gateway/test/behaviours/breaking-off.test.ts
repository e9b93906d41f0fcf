/** Clients that break off, take nothing, or never begin: what is cut, and when. */
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as netConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createGateway, type GatewayOptions } from '../../src/index.ts'
import { frame, frames } from '../http2-frames.ts'
import { gateway, onCleanup, raw, rawService, service, type TestGateway, until } from '../servers.ts'
import { system } from '../system.ts'

const file = (name: string): string => fileURLToPath(new URL(`../tls/${name}`, import.meta.url))
const tls = { cert: file('cert.pem'), key: file('key.pem') }
const ca = readFileSync(tls.cert)

const before = (url: string): GatewayOptions['system'] =>
  system({
    one: {
      url,
      operations: {
        get: { path: '/x' },
        post: { method: 'POST', path: '/x', body: { 'application/json': {}, 'text/plain': undefined } },
      },
    },
  })

function session(url: string, settings = {}): ClientHttp2Session {
  const client = connect(url, { ca, settings })
  client.on('error', () => {})
  onCleanup(() => client.destroy())
  return client
}

/** A connection on which a part of a request has been sent. */
function begin(port: number, type: string, part: string): Socket {
  const fields: [string, string][] = [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':authority', 'a'],
    [':path', '/x'],
    ['content-type', type],
  ]
  const socket = tlsConnect({
    port,
    host: '127.0.0.1',
    ca,
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  })
  socket.on('error', () => {}).resume()
  socket.write(frames(fields, part, false))
  onCleanup(() => socket.destroy())
  return socket
}

const cancel = frame(3, 0, 1, Buffer.from([0, 0, 0, 8]))
const ways: Record<string, (socket: Socket) => void> = {
  'a reset of the stream': (socket) => socket.write(cancel),
  'the end of the connection': (socket) => socket.end(),
  'a lost connection': (socket) => socket.destroy(),
}

test('an HTTP/2 body that breaks off does not reach its service as a whole one', async () => {
  for (const breakOff of Object.values(ways)) {
    let cut = false
    const one = await rawService((socket) => socket.on('close', () => (cut = true)))
    const edge = await gateway({ system: before(one.url), tls })
    const socket = begin(edge.port, 'text/plain', 'half of it')
    await until(() => one.received().includes('half of it'))
    breakOff(socket)
    await until(() => cut || one.received().includes('\r\n0\r\n\r\n'))
    expect(one.received()).not.toContain('\r\n0\r\n\r\n')
    await until(() => edge.gateway.health().inFlight === 0)
  }
})

test('an HTTP/2 body that breaks off before it is checked reaches nobody', async () => {
  for (const breakOff of Object.values(ways)) {
    const one = await service()
    const edge = await gateway({ system: before(one.url), tls })
    const socket = begin(edge.port, 'application/json', '12')
    await until(() => edge.gateway.health().inFlight === 1)
    breakOff(socket)
    await until(() => edge.gateway.health().inFlight === 0)
    expect(one.seen).toEqual([])
  }
})

const limits = { stallMs: 200 }

test('answers that an HTTP/1.1 client does not read are dropped with its connection', async () => {
  const one = await service((_request, response) => response.end('x'.repeat(15_000)))
  const edge = await gateway({ system: before(one.url), limits })
  const client = netConnect(edge.port, '127.0.0.1').on('error', () => {})
  onCleanup(() => client.destroy())
  client.pause().write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(1000))
  await until(() => one.seen.length > 900)
  expect(edge.gateway.health().inFlight).toBeGreaterThan(0)
  await until(() => edge.gateway.health().inFlight === 0)
})

test('answers and refusals that an HTTP/2 client gives no room are dropped', async () => {
  const one = await service()
  const edge = await gateway({ system: before(one.url), tls, limits })
  const client = session(edge.url, { initialWindowSize: 0 })
  for (const path of ['/x', '/nowhere', '/x']) client.request({ ':path': path }).on('error', () => {})
  await until(() => one.seen.length === 2)
  expect(edge.gateway.health().inFlight).toBe(3)
  await until(() => edge.gateway.health().inFlight === 0)
})

test('an answer that waits for the one before it is not taken for one that nobody reads', async () => {
  let finish: (() => void) | undefined
  const one = await service((request, response) => {
    if (request.method === 'GET') response.end('second')
    else finish = () => response.end('first')
  })
  const edge = await gateway({ system: before(one.url), limits })
  const first = 'POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\n1'
  const client = raw(edge.port, `${first}GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  await until(() => one.seen.length === 2)
  const since = performance.now()
  await until(() => performance.now() - since > 3 * limits.stallMs)
  finish?.()
  const got = await client.closed
  expect([got.includes('first'), got.includes('second')]).toEqual([true, true])
})

const silent: Record<string, (edge: TestGateway) => Socket> = {
  'never begins TLS': ({ port }) => netConnect(port, '127.0.0.1'),
  'agrees on HTTP/2 and says nothing': ({ port }) =>
    tlsConnect({ port, host: '127.0.0.1', servername: 'localhost', ca, ALPNProtocols: ['h2'] }),
}

test('a stop ends by its deadline, whoever is connected and silent', async () => {
  for (const open of Object.values(silent)) {
    const one = createGateway({ system: before('http://127.0.0.1:1'), tls })
    const { url, port } = await one.listen({ port: 0 })
    const socket = open({ gateway: one, url, port })
    onCleanup(() => socket.destroy())
    socket.on('error', () => {})
    await new Promise((resolve) =>
      socket.once(socket.listenerCount('secureConnect') > 0 ? 'secureConnect' : 'connect', resolve),
    )
    const began = performance.now()
    await one.close({ deadlineMs: 200 })
    expect(performance.now() - began).toBeLessThan(3000)
  }
})
