import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { ask, gateway, raw, service, type TestGateway, until } from '../../test/servers.ts'
import { system } from '../../test/system.ts'

async function before(url: string, options: object = {}): Promise<TestGateway> {
  return gateway({
    system: system({
      one: {
        url,
        operations: {
          get: { path: '/x' },
          post: { method: 'POST', path: '/x', body: { 'application/json': {}, 'text/plain': undefined } },
        },
      },
    }),
    ...options,
  })
}

const head = 'POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n'

test('FM47 a client that goes does not cancel what has begun: the service finishes undisturbed', async () => {
  let finish: ServerResponse | undefined
  let aborted = false
  const one = await service((_request, response) => {
    finish = response
    response.on('close', () => (aborted ||= !response.writableFinished))
  })
  const { port, gateway: edge } = await before(one.url)
  const client = raw(port, `${head}content-length: 2\r\n\r\n{}`)
  await until(() => finish !== undefined)
  client.socket.destroy()
  // The gateway has noticed: its answer would go nowhere, and the exchange is still open.
  await until(() => client.socket.destroyed)
  await new Promise((resolve) => setImmediate(resolve))
  expect(edge.health().inFlight).toBe(1)
  finish?.end('done')
  await until(() => edge.health().inFlight === 0)
  expect(aborted).toBe(false)
  expect(edge.metrics()).toContain('spandrel_gateway_requests_total{service="one",operation="post",status="499"} 1')
  // The connection to the service was left usable.
  expect(
    (
      await Promise.all([
        ask(`http://127.0.0.1:${port}/x`),
        until(() => one.seen.length === 2).then(() => finish?.end()),
      ])
    )[0].status,
  ).toBe(200)
  expect(one.connections()).toBe(1)
})

test('a client that goes before its body is whole: the service hears nothing', async () => {
  const one = await service()
  const { port, gateway: edge } = await before(one.url)
  const client = raw(port, `${head}content-length: 100\r\n\r\n{"half":`)
  await until(() => edge.health().inFlight === 1)
  client.socket.destroy()
  await until(() => edge.health().inFlight === 0)
  expect(one.connections()).toBe(0)
})

test.each([
  ['closes', 'destroy'],
  ['resets', 'resetAndDestroy'],
] as const)('a client that %s while it streams: the service sees that the request is not whole', async (_how, go) => {
  let began = false
  let whole: boolean | undefined
  const one = await service()
  one.server.removeAllListeners('request')
  one.server.on('request', (request) => {
    began = true
    request.on('error', () => {}).on('close', () => (whole = request.complete))
    request.resume()
  })
  const { port, gateway: edge } = await before(one.url)
  const client = raw(
    port,
    'POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\npart',
  )
  await until(() => began)
  client.socket[go]()
  await until(() => whole !== undefined)
  expect(whole).toBe(false)
  await until(() => edge.health().inFlight === 0)
  // The client left; the service did nothing wrong.
  expect(edge.metrics()).not.toContain('service_failures_total{')
})

test('a client that goes while its answer comes: the rest is read and dropped', async () => {
  const one = await service((_request, response) => response.end(Buffer.alloc(400_000)))
  const { port, gateway: edge } = await before(one.url)
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  client.socket.pause()
  await until(() => one.seen.length === 1)
  client.socket.destroy()
  await until(() => edge.health().inFlight === 0)
  expect((await ask(`http://127.0.0.1:${port}/x`)).status).toBe(200)
})

/** Answers without end, as fast as they are taken. */
async function endless(): Promise<{ url: string; written: () => number; closed: () => boolean }> {
  let written = 0
  const state = { closed: false }
  const one = await service((_request, response) => {
    response.on('close', () => (state.closed = true))
    const more = (): void => {
      do written += 65_536
      while (response.write(Buffer.alloc(65_536)))
      if (!state.closed) response.once('drain', more)
    }
    more()
  })
  return { url: one.url, written: () => written, closed: () => state.closed }
}

test('an endless answer that nobody reads any more ends', async () => {
  const one = await endless()
  const { port, gateway: edge } = await before(one.url)
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  await client.until((text) => text.length > 100_000)
  client.socket.destroy()
  await until(() => one.closed() && edge.health().inFlight === 0)
  expect(edge.metrics()).not.toContain('service_failures_total{')
})

test('a client that takes no byte of its answer is cut, and does not fill our memory', async () => {
  const one = await endless()
  const { port, gateway: edge } = await before(one.url, { limits: { stallMs: 200 } })
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  client.socket.pause()
  await until(() => one.closed())
  // Socket buffers on both sides, and no more.
  expect(one.written()).toBeLessThan(30_000_000)
  await until(() => edge.health().inFlight === 0)
})

test('a connection that ends takes its pipelined requests with it, those behind the first too', async () => {
  const answers: ServerResponse[] = []
  const one = await service((_request, response) => answers.push(response))
  const { port, gateway: edge } = await before(one.url)
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(5))
  await until(() => answers.length === 5)
  expect(edge.health().inFlight).toBe(5)
  client.socket.destroy()
  for (const answer of answers) answer.end()
  await until(() => edge.health().inFlight === 0)
})
