import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import {
  ask,
  closedPort,
  gateway,
  post,
  raw,
  rawService,
  service,
  type TestGateway,
  until,
} from '../../test/servers.ts'
import { key, system } from '../../test/system.ts'

const type = (name: string): string => `https://spandrel.dev/problems/${name}`

async function before(urls: string | string[], options: object = {}, timeoutMs?: number): Promise<TestGateway> {
  const guarantees = timeoutMs === undefined ? {} : { timeoutMs }
  return gateway({
    system: system({
      one: {
        operations: {
          get: { path: '/x', guarantees },
          post: { method: 'POST', path: '/x', body: { 'application/json': {} }, guarantees },
          keyed: {
            method: 'POST',
            path: '/keyed',
            body: { 'application/json': {} },
            guarantees: { ...guarantees, idempotency: key },
          },
          stream: { method: 'PUT', path: '/x', body: { '*/*': undefined }, guarantees },
        },
      },
    }),
    upstreams: { one: urls },
    ...options,
  })
}

test('a service that refuses connections: 503, nothing was sent, come back soon', async () => {
  const { url } = await before(`http://127.0.0.1:${await closedPort()}`)
  const answer = await post(`${url}/x`, {}, { 'correlation-id': 'c-1' })
  expect(answer.status).toBe(503)
  expect(answer.headers['retry-after']).toBe('1')
  expect(answer.headers['correlation-id']).toBe('c-1')
  expect(answer.json()).toMatchObject({
    type: type('service-unreachable'),
    detail: 'one refused the connection; the request was not sent and may be sent again.',
  })
})

test('a service that takes no connection in time: 503', async () => {
  // A listener with a full backlog and nobody to accept is not portable; an address that answers nothing is.
  const { url } = await before('http://192.0.2.1:9', { limits: { connectMs: 100 } })
  const answer = await ask(`${url}/x`)
  expect(answer.status).toBe(503)
})

test('a service that breaks off before it answers: 502, and the effect is not known', async () => {
  let requests = 0
  const one = await rawService((socket) => socket.on('data', () => (requests++, socket.destroy())))
  const { url } = await before(one.url)
  const answer = await post(`${url}/x`, {})
  expect(answer.status).toBe(502)
  expect(answer.headers['retry-after']).toBeUndefined()
  expect(answer.json()).toMatchObject({
    type: type('service-failed'),
    detail: 'one broke the exchange off; whether the request had an effect is not known.',
  })
  // Never twice: a second copy of this request could have a second effect.
  expect(requests).toBe(1)
})

test('a request that is harmless twice is tried once more, and only once', async () => {
  let requests = 0
  const one = await rawService((socket) => socket.on('data', () => (requests++, socket.destroy())))
  const { url } = await before(one.url)
  const natural = await ask(`${url}/x`)
  expect(natural.status).toBe(502)
  expect(natural.headers['retry-after']).toBe('1')
  expect(requests).toBe(2)
  requests = 0
  expect((await post(`${url}/keyed`, {}, { 'idempotency-key': 'k' })).status).toBe(502)
  expect(requests).toBe(2)
})

test('a second try that is answered is the answer', async () => {
  const bodies: string[] = []
  let first = true
  const one = await rawService((socket) =>
    socket.on('data', (chunk) => {
      bodies.push(chunk.toString().split('\r\n\r\n')[1] ?? '')
      if (first) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      first = false
    }),
  )
  const { url, gateway: one1 } = await before(one.url)
  const answer = await post(`${url}/keyed`, { a: 1 }, { 'idempotency-key': 'k' })
  expect(answer.text).toBe('ok')
  expect(bodies.filter((body) => body === '{"a":1}')).toHaveLength(2)
  expect(one1.metrics()).toContain('spandrel_gateway_repeated_attempts_total 1')
})

test('an answer that is not HTTP: 502', async () => {
  const one = await rawService((socket) => socket.on('data', () => socket.write('hello\r\n\r\n')))
  const { url } = await before(one.url)
  expect((await post(`${url}/x`, {})).status).toBe(502)
})

test('no answer in time: 504, and the connection is cut', async () => {
  let closed = false
  const one = await rawService((socket) => socket.on('data', () => {}).on('close', () => (closed = true)))
  const { url } = await before(one.url, {}, 200)
  const started = performance.now()
  const answer = await post(`${url}/x`, {})
  expect(answer.status).toBe(504)
  expect(performance.now() - started).toBeGreaterThan(190)
  expect(answer.json()).toMatchObject({
    type: type('timeout'),
    detail: 'The service did not answer within 200 ms; whether the request had an effect is not known.',
  })
  await until(() => closed)
})

test('a caller that waits shorter has its answer sooner', async () => {
  const one = await rawService((socket) => socket.on('data', () => {}))
  const { url } = await before(one.url)
  expect((await ask(`${url}/x`, { headers: { 'request-timeout': '100' } })).status).toBe(504)
})

test('no free connection in time: 504, and the request is never sent', async () => {
  const sent: string[] = []
  let first: Socket | undefined
  const one = await rawService((socket) =>
    socket.on('data', (chunk) => {
      sent.push(/x-n: (\d)/.exec(chunk.toString())?.[1] ?? '?')
      if (first === undefined) first = socket
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    }),
  )
  const { url } = await before(one.url, { limits: { connections: 1 } })
  const answered = ask(`${url}/x`, { headers: { 'x-n': '1' } })
  await until(() => sent.length === 1)
  const late = await ask(`${url}/x`, { headers: { 'x-n': '2', 'request-timeout': '50' } })
  expect(late.status).toBe(504)
  expect(late.json()['detail']).toContain('the request was not sent')
  first?.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  expect((await answered).status).toBe(200)
  // Its turn comes, and it is passed over.
  expect((await ask(`${url}/x`, { headers: { 'x-n': '3' } })).status).toBe(200)
  expect(sent).toEqual(['1', '3'])
})

test('an answer that stops in the middle is cut for the client too', async () => {
  const one = await rawService((socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')),
  )
  const { url, gateway: edge } = await before(one.url)
  await expect(ask(`${url}/x`)).rejects.toThrow(/aborted|hang up/)
  expect(edge.metrics()).toContain('spandrel_gateway_service_failures_total{service="one",kind="answer-cut"} 1')
})

test('a chunked answer that stops in the middle has no last chunk', async () => {
  const one = await rawService((socket) =>
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n')
      setTimeout(() => socket.destroy(), 20)
    }),
  )
  const { port } = await before(one.url)
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  const text = await client.closed
  expect(text).toContain('half')
  expect(text).not.toContain('\r\n0\r\n')
})

test('an answer whose body falls silent is cut after the time of the operation', async () => {
  const one = await rawService((socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')),
  )
  const { port } = await before(one.url, {}, 300)
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  expect(await client.closed).toContain('half')
})

test('requests go around the instances in turn', async () => {
  const three = await Promise.all([service(), service(), service()])
  const { url } = await before(three.map((one) => one.url))
  for (let count = 0; count < 30; count++) await ask(`${url}/x`)
  expect(three.map(({ seen }) => seen.length)).toEqual([10, 10, 10])
})

test('an instance that refuses is passed over at once, whatever the method', async () => {
  const alive = await service()
  const { url, gateway: edge } = await before([`http://127.0.0.1:${await closedPort()}`, alive.url])
  for (let count = 0; count < 10; count++) expect((await post(`${url}/x`, { count })).status).toBe(200)
  expect(alive.seen).toHaveLength(10)
  expect(edge.metrics()).toMatch(/service_failures_total\{service="one",kind="connect"\} [1-9]/)
})

test('where all instances refuse, each is asked once', async () => {
  const dead = await Promise.all([closedPort(), closedPort(), closedPort()])
  const { url, gateway: edge } = await before(dead.map((port) => `http://127.0.0.1:${port}`))
  expect((await post(`${url}/x`, {})).status).toBe(503)
  expect(edge.metrics()).toContain('spandrel_gateway_service_failures_total{service="one",kind="connect"} 3')
})

test('a streamed body goes to the instance that takes it', async () => {
  const alive = await service()
  const dead = `http://127.0.0.1:${await closedPort()}`
  const body = Buffer.alloc(300_000, 'x')
  const { url } = await before([dead, alive.url])
  for (const headers of [
    { 'content-type': 'text/plain' },
    { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' },
  ]) {
    for (let count = 0; count < 2; count++) {
      expect((await ask(`${url}/x`, { method: 'PUT', headers, body })).status).toBe(200)
    }
  }
  expect(alive.seen.map(({ body: { length } }) => length)).toEqual([300_000, 300_000, 300_000, 300_000])
})

test('a request that fails on one instance is tried again on another one', async () => {
  let broken = 0
  const breaking = await rawService((socket) => socket.on('data', () => (broken++, socket.destroy())))
  const alive = await service()
  const { url } = await before([breaking.url, alive.url])
  expect((await ask(`${url}/x`)).status).toBe(200)
  expect(broken).toBe(1)
  expect(alive.seen).toHaveLength(1)
})

test('an instance that comes back is asked again', async () => {
  const port = await closedPort()
  const { url } = await before(`http://127.0.0.1:${port}`)
  expect((await ask(`${url}/x`)).status).toBe(503)
  await service(undefined, { port })
  expect((await ask(`${url}/x`)).status).toBe(200)
})

test('a restart of the service between two requests is not noticed', async () => {
  const first = await service()
  const { url } = await before(first.url)
  expect((await post(`${url}/x`, {})).status).toBe(200)
  await first.close()
  const second = await service(undefined, { port: first.port })
  expect((await post(`${url}/x`, {})).status).toBe(200)
  expect(second.seen).toHaveLength(1)
})

test('an answer before the end of a streamed body is passed on', async () => {
  const one = await rawService((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\n\r\nno'))
  })
  const { port } = await before(one.url)
  const client = raw(
    port,
    'PUT /x HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1000000\r\n\r\nbegin',
  )
  expect(await client.until((text) => text.includes('\r\n\r\nno'))).toContain('409')
})
