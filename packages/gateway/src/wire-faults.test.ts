import { expect, test } from 'vitest'
import { gateway, raw, rawService, service, type TestService, until } from '../test/servers.ts'
import { key, system } from '../test/system.ts'

async function before(options: object = {}): Promise<{ port: number; one: TestService }> {
  const one = await service((_request, response, { url, body }) => response.end(`${url} ${body.toString()}`))
  const { port } = await gateway({
    system: system({
      one: {
        url: one.url,
        operations: {
          get: { path: '/x' },
          post: { method: 'POST', path: '/x', body: { 'application/json': {}, 'text/plain': undefined } },
          keyed: { method: 'POST', path: '/keyed', body: { 'application/json': {} }, guarantees: { idempotency: key } },
        },
      },
    }),
    ...options,
  })
  return { port, one }
}

const post = 'POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n'

/** Each could make two readers see two different requests. None may reach the service, nor anything behind it. */
test.each([
  [
    'length and chunks',
    `${post}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nhost: a\r\n\r\n`,
  ],
  [
    'chunks and length',
    `${post}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nhost: a\r\n\r\n`,
  ],
  ['two lengths', `${post}content-length: 4\r\ncontent-length: 5\r\n\r\nabcde`],
  ['two equal lengths', `${post}content-length: 4\r\ncontent-length: 4\r\n\r\nabcd`],
  ['a list of lengths', `${post}content-length: 4, 4\r\n\r\nabcd`],
  ['a length with a sign', `${post}content-length: +4\r\n\r\nabcd`],
  ['a negative length', `${post}content-length: -4\r\n\r\nabcd`],
  ['a length in hexadecimal', `${post}content-length: 0x4\r\n\r\nabcd`],
  ['an unknown coding last', `${post}transfer-encoding: chunked, identity\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`],
  ['a coding that is no chunked', `${post}transfer-encoding: xchunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`],
  ['chunked twice', `${post}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['a space before the colon', `${post}content-length : 4\r\n\r\nabcd`],
  ['a folded header', `${post}x-a: 1\r\n 2\r\ncontent-length: 4\r\n\r\nabcd`],
  ['a bare line feed', `GET /x HTTP/1.1\nhost: a\n\n`],
  ['a bare carriage return in a header', `GET /x HTTP/1.1\r\nhost: a\r\nx-a: 1\rx-b: 2\r\n\r\n`],
  ['a null byte in a header', `GET /x HTTP/1.1\r\nhost: a\r\nx-a: 1\0\r\n\r\n`],
  ['a header without a name', `GET /x HTTP/1.1\r\nhost: a\r\n: 1\r\n\r\n`],
  ['a name that is no token', `GET /x HTTP/1.1\r\nhost: a\r\nx a: 1\r\n\r\n`],
  ['a target with a space', `GET /x /y HTTP/1.1\r\nhost: a\r\n\r\n`],
  ['a version that does not exist', `GET /x HTTP/3.7\r\nhost: a\r\n\r\n`],
  ['a method that does not exist', `SMUGGLE /x HTTP/1.1\r\nhost: a\r\n\r\n`],
  ['a chunk size that is none', `${post}transfer-encoding: chunked\r\n\r\nzz\r\nabcd\r\n0\r\n\r\n`],
  ['a chunk size with a prefix', `${post}transfer-encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n`],
  ['a chunk longer than it says', `${post}transfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n`],
  ['a chunk size that overflows', `${post}transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\nabcd\r\n0\r\n\r\n`],
  ['no host', 'GET /x HTTP/1.1\r\n\r\n'],
  ['two hosts', 'GET /x HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n'],
  ['a host that is none', 'GET /x HTTP/1.1\r\nhost: a/b?c\r\n\r\n'],
  ['a host with credentials', 'GET /x HTTP/1.1\r\nhost: user@a\r\n\r\n'],
  ['two content types', `${post}content-type: application/json\r\ncontent-length: 2\r\n\r\n{}`],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
])('%s: 400, the connection ends, the service sees no whole request', async (_what, bytes) => {
  const { port, one } = await before()
  const client = raw(port, bytes)
  const text = await client.closed
  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  expect(text.split('HTTP/1.1').length).toBe(2)
  expect(text).toContain('application/problem+json')
  expect(text).toMatch(/correlation-id: [0-9a-f-]{36}/)
  expect(text.toLowerCase()).toContain('connection: close')
  expect(one.seen).toHaveLength(0)
})

test('a body that looks like a request stays a body', async () => {
  const { port, one } = await before()
  const inner = 'GET /x?smuggled HTTP/1.1\r\nhost: a\r\n\r\n'
  const client = raw(port, `${post}content-length: ${inner.length}\r\n\r\n${inner}`)
  await client.until((text) => text.includes('smuggled'))
  expect(one.seen).toHaveLength(1)
  expect(one.seen[0]?.body.toString()).toBe(inner)
})

test('a body on a GET that takes none is refused, and not taken for the next request', async () => {
  const { port, one } = await before()
  const client = raw(
    port,
    'GET /x HTTP/1.1\r\nhost: a\r\ncontent-length: 40\r\n\r\nGET /x?smuggled HTTP/1.1\r\nhost: a\r\nx: 1\r\n\r\n',
  )
  await client.until((text) => text.includes('415'))
  client.socket.end()
  await client.closed
  expect(one.seen.some(({ url }) => url.includes('smuggled'))).toBe(false)
})

test('header values cannot inject headers', async () => {
  const { port, one } = await before()
  const client = raw(
    port,
    'GET /x HTTP/1.1\r\nhost: a\r\ncorrelation-id: a%0d%0aset-cookie: b\r\ntraceparent: x\r\nconnection: close\r\n\r\n',
  )
  const text = await client.closed
  expect(text).not.toContain('set-cookie')
  expect(one.seen[0]?.headers['set-cookie']).toBeUndefined()
})

test('headers beyond the limit of bytes: 431', async () => {
  const { port, one } = await before({ limits: { headerBytes: 2000 } })
  const client = raw(port, `GET /x HTTP/1.1\r\nhost: a\r\nx-a: ${'a'.repeat(3000)}\r\n\r\n`)
  const text = await client.closed
  expect(text).toMatch(/^HTTP\/1\.1 431 /)
  expect(text).toContain('https://spandrel.dev/problems/headers-too-large')
  expect(one.seen).toHaveLength(0)
})

test('more headers than the limit: 431, none is dropped in silence', async () => {
  const { port, one } = await before({ limits: { headers: 20 } })
  const headers = (count: number): string => Array.from({ length: count }, (_, index) => `x-${index}: 1\r\n`).join('')
  const many = raw(port, `GET /x HTTP/1.1\r\nhost: a\r\n${headers(20)}connection: close\r\n\r\n`)
  expect(await many.closed).toMatch(/^HTTP\/1\.1 431 /)
  const few = raw(port, `GET /x HTTP/1.1\r\nhost: a\r\n${headers(18)}connection: close\r\n\r\n`)
  expect(await few.closed).toMatch(/^HTTP\/1\.1 200 /)
  expect(one.seen).toHaveLength(1)
})

test('a request head that does not come in time: 408', async () => {
  const { port } = await before({ limits: { headersMs: 300 } })
  const text = await raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\nx-slow:').closed
  expect(text).toMatch(/^HTTP\/1\.1 408 /)
  expect(text).toContain('https://spandrel.dev/problems/request-timeout')
})

test('a body that does not come in time: 408, and the service hears nothing', async () => {
  const { port, one } = await before({ limits: { headersMs: 200, requestMs: 400 } })
  const client = raw(
    port,
    'POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 10\r\ncorrelation-id: c-1\r\n\r\n{"a',
  )
  const text = await client.closed
  expect(text).toMatch(/^HTTP\/1\.1 408 /)
  expect(text).toContain('correlation-id: c-1')
  expect(one.connections()).toBe(0)
})

test('a fault behind a complete request costs the connection, not the answer', async () => {
  const waiting: (() => void)[] = []
  const one = await service((_request, response) => waiting.push(() => response.end('the answer')))
  const { port, gateway: edge } = await gateway({
    system: system({ one: { url: one.url, operations: { get: { path: '/x' } } } }),
  })
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\nthis is not HTTP\r\n\r\n')
  await until(() => waiting.length === 1)
  expect(client.received()).toBe('')
  waiting[0]?.()
  const text = await client.closed
  expect(text).toMatch(/^HTTP\/1\.1 200 /)
  expect(text).toContain('the answer')
  expect(text.split('HTTP/1.1').length).toBe(2)
  await until(() => edge.health().inFlight === 0)
})

test('a fault in the body of a request that streams ends the exchange with the service', async () => {
  let ended = false
  let received = ''
  const one = await rawService((socket) =>
    socket.on('data', (chunk) => (received += chunk.toString())).on('close', () => (ended = true)),
  )
  const { port } = await gateway({
    system: system({
      one: { url: one.url, operations: { put: { method: 'PUT', path: '/x', body: { '*/*': undefined } } } },
    }),
  })
  const client = raw(
    port,
    'PUT /x HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n',
  )
  await until(() => received.includes('abcd'))
  client.socket.write('zz\r\n')
  expect(await client.closed).toMatch(/^HTTP\/1\.1 400 /)
  await until(() => ended)
})

test('HTTP/1.0 is answered and ended', async () => {
  const { port } = await before()
  const text = await raw(port, 'GET /x HTTP/1.0\r\n\r\n').closed
  expect(text).toMatch(/^HTTP\/1\.1 200 /)
  expect(text).toContain('/x ')
})

test('the absolute form is taken where it names the host of the host header', async () => {
  const { port, one } = await before()
  await raw(port, 'GET http://A/x?a=1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n').closed
  expect(one.seen[0]?.url).toBe('/x?a=1')
  expect(one.seen[0]?.headers['x-forwarded-host']).toBe('a')
})

test('CONNECT opens nothing', async () => {
  const { port, one } = await before()
  const client = raw(port, 'CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: a\r\n\r\n')
  await client.closed
  expect(client.received()).not.toMatch(/ 200 /)
  expect(one.connections()).toBe(0)
})

test('garbage costs nothing: the next connection is served', async () => {
  const { port } = await before()
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => raw(port, `${'\x00\xff'.repeat(index + 1)}\r\n\r\n`).closed),
  )
  expect(await raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n').closed).toMatch(/^HTTP\/1\.1 200 /)
})
