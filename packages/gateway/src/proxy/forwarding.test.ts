import { expect, test } from 'vitest'
import { ask, gateway, raw, rawService, service, type TestService } from '../../test/servers.ts'
import { type OperationSketch, system } from '../../test/system.ts'

const nobody: { headers: Record<string, string | undefined> } = { headers: {} }

async function before(
  one: { url: string },
  options: object = {},
  sketch: Partial<OperationSketch> = {},
): Promise<{ url: string; port: number }> {
  return gateway({
    system: system({
      one: {
        url: one.url,
        operations: { op: { path: '/x', ...sketch }, put: { method: 'POST', path: '/x', body: { '*/*': undefined } } },
      },
    }),
    ...options,
  })
}

/** A service that answers with these headers. */
const answering = (headers: string[], status = 200): Promise<TestService> =>
  service((_request, response) => {
    response.sendDate = false
    response.writeHead(status, headers).end(status === 204 ? undefined : 'ok')
  })

test('headers go on as they came, several of one name included', async () => {
  const one = await service()
  const { url } = await before(one)
  await ask(`${url}/x`, {
    headers: ['host', 'shop', 'X-One', '1', 'x-one', '2', 'Cookie', 'a=1', 'Accept', 'text/html'],
  })
  const { rawHeaders } = one.seen[0] ?? { rawHeaders: [] }
  const pairs = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []))
  expect(pairs).toContain('X-One: 1')
  expect(pairs).toContain('x-one: 2')
  expect(pairs).toContain('Cookie: a=1')
  expect(pairs).toContain('Accept: text/html')
})

test('the query goes on as it came', async () => {
  const one = await service()
  const { url } = await before(one)
  await ask(url, { path: '/x?b=2&a=1&a=%20&empty=&=x&&c' })
  expect(one.seen[0]?.url).toBe('/x?b=2&a=1&a=%20&empty=&=x&&c')
})

test('a base URL with a path is put in front', async () => {
  const one = await service()
  const { url } = await before({ url: `${one.url}/api/v1/` })
  await ask(`${url}/x?a=1`)
  expect(one.seen[0]?.url).toBe('/api/v1/x?a=1')
})

test("the connection's own headers stay with the connection, those it names too", async () => {
  const one = await service()
  const { url } = await before(one)
  await ask(`${url}/x`, {
    headers: {
      connection: 'close, x-mine',
      'x-mine': '1',
      'keep-alive': 'timeout=1',
      te: 'trailers',
      upgrade: 'websocket',
      'proxy-authorization': 'Basic x',
      'proxy-connection': 'close',
      'http2-settings': 'x',
    },
  })
  const { headers } = one.seen[0] ?? nobody
  // Not the client's `te`: ours, because trailers do go on.
  expect(headers['te']).toBe('trailers')
  for (const name of [
    'x-mine',
    'keep-alive',
    'trailer',
    'upgrade',
    'proxy-authorization',
    'proxy-connection',
    'http2-settings',
  ]) {
    expect(headers).not.toHaveProperty(name)
  }
  expect(headers.connection).toBe('keep-alive')
})

test("the service's connection headers stay with its connection, and its own reserved ones inside", async () => {
  const one = await answering([
    'connection',
    'keep-alive, x-mine',
    'x-mine',
    '1',
    'keep-alive',
    'timeout=5',
    'proxy-authenticate',
    'Basic',
    'spandrel-secret',
    'x',
    'x-other',
    '1',
  ])
  const { url } = await before(one)
  const { headers } = await ask(`${url}/x`)
  for (const name of ['x-mine', 'keep-alive', 'proxy-authenticate', 'spandrel-secret'])
    expect(headers).not.toHaveProperty(name)
  expect(headers['x-other']).toBe('1')
})

test('several cookies are set as several headers', async () => {
  const one = await answering(['set-cookie', 'a=1', 'set-cookie', 'b=2'])
  const { url } = await before(one)
  expect((await ask(`${url}/x`)).headers['set-cookie']).toEqual(['a=1', 'b=2'])
})

test('bytes above ASCII in header values survive both ways', async () => {
  const one = await answering(['x-name', 'M\u00fcller'])
  const { url } = await before(one)
  const answer = await ask(`${url}/x`, { headers: { 'x-name': 'M\u00fcller' } })
  expect(one.seen[0]?.headers['x-name']).toBe('M\u00fcller')
  expect(answer.headers['x-name']).toBe('M\u00fcller')
})

test('host is the service, and forwarded tells the rest', async () => {
  const one = await service()
  const { url } = await before(one)
  await ask(`${url}/x`, { headers: { host: 'shop.example:8443' } })
  const { headers } = one.seen[0] ?? nobody
  expect(headers.host).toBe(new URL(one.url).host)
  expect(headers['forwarded']).toBe('for=127.0.0.1;host="shop.example:8443";proto=http')
  expect(headers['x-forwarded-for']).toBe('127.0.0.1')
  expect(headers['x-forwarded-host']).toBe('shop.example:8443')
  expect(headers['x-forwarded-proto']).toBe('http')
})

const told = {
  forwarded: 'for=10.0.0.9;proto=https',
  'x-forwarded-for': '10.0.0.9',
  'x-forwarded-host': 'outer.example',
  'x-forwarded-proto': 'https',
  'x-real-ip': '10.0.0.9',
}

test('what a client says about itself is replaced', async () => {
  const one = await service()
  const { url } = await before(one)
  await ask(`${url}/x`, { headers: { host: 'shop', ...told } })
  const { headers } = one.seen[0] ?? nobody
  expect(headers['forwarded']).toBe('for=127.0.0.1;host="shop";proto=http')
  expect(headers['x-forwarded-for']).toBe('127.0.0.1')
  expect(headers['x-forwarded-host']).toBe('shop')
  expect(headers['x-forwarded-proto']).toBe('http')
  expect(headers['x-real-ip']).toBeUndefined()
})

test('what a trusted proxy says is passed on', async () => {
  const one = await service()
  const { url } = await before(one, { trustedProxies: ['127.0.0.0/8'] })
  await ask(`${url}/x`, { headers: { host: 'shop', ...told } })
  const { headers } = one.seen[0] ?? nobody
  expect(headers['forwarded']).toBe('for=10.0.0.9;proto=https, for=127.0.0.1;host="shop";proto=http')
  expect(headers['x-forwarded-for']).toBe('10.0.0.9, 127.0.0.1')
  expect(headers['x-forwarded-host']).toBe('outer.example')
  expect(headers['x-forwarded-proto']).toBe('https')
})

test('our own namespace cannot be spoken in from outside', async () => {
  const one = await service()
  const { url } = await before(one)
  await ask(`${url}/x`, {
    headers: { 'spandrel-caller': 'admin', 'Spandrel-Tenant': 't', 'spandrel-caller-signature': 'x' },
  })
  const names = Object.keys(one.seen[0]?.headers ?? {})
  expect(names.filter((name) => name.startsWith('spandrel-'))).toEqual([])
})

test('the correlation id goes on and comes back, and so does a new one', async () => {
  const one = await answering(['correlation-id', 'of-the-service'])
  const { url } = await before(one)
  const given = await ask(`${url}/x`, { headers: { 'correlation-id': 'c-7' } })
  expect(one.seen[0]?.headers['correlation-id']).toBe('c-7')
  expect(given.headers['correlation-id']).toBe('c-7')
  const made = await ask(`${url}/x`, { headers: { 'correlation-id': 'not usable' } })
  expect(made.headers['correlation-id']).toMatch(/^[0-9a-f-]{36}$/)
  expect(one.seen[1]?.headers['correlation-id']).toBe(made.headers['correlation-id'])
  expect((await ask(`${url}/nowhere`, { headers: { 'correlation-id': 'c-8' } })).headers['correlation-id']).toBe('c-8')
})

test('the correlation id may stand where the contract has it', async () => {
  const one = await service()
  const { url } = await before(one, {}, { correlation: { source: 'request.header', name: 'X-Request-Id' } })
  const answer = await ask(`${url}/x`, { headers: { 'x-request-id': 'r-1' } })
  expect(answer.headers['correlation-id']).toBe('r-1')
  expect(one.seen[0]?.headers).toMatchObject({ 'x-request-id': 'r-1', 'correlation-id': 'r-1' })
  const both = await ask(`${url}/x`, { headers: { 'x-request-id': 'r-1', 'correlation-id': 'c-1' } })
  expect(both.headers['correlation-id']).toBe('c-1')
})

test('the trace goes on under a new span', async () => {
  const one = await service()
  const { url } = await before(one)
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  await ask(`${url}/x`, { headers: { traceparent, tracestate: 'a=1' } })
  expect(one.seen[0]?.headers['traceparent']).toMatch(
    /^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/,
  )
  expect(one.seen[0]?.headers['tracestate']).toBe('a=1')
  await ask(`${url}/x`, { headers: { traceparent: 'broken', tracestate: 'a=1' } })
  expect(one.seen[1]?.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  expect(one.seen[1]?.headers['tracestate']).toBeUndefined()
})

test('the service is told how long the caller waits', async () => {
  const one = await service()
  const { url } = await before(one, {}, { guarantees: { timeoutMs: 2000 } })
  await ask(`${url}/x`)
  await ask(`${url}/x`, { headers: { 'request-timeout': '500' } })
  await ask(`${url}/x`, { headers: { 'request-timeout': '99999' } })
  expect(one.seen.map(({ headers }) => headers['request-timeout'])).toEqual(['1900', '450', '1900'])
})

test('deprecation and sunset are told, unless the service tells them itself', async () => {
  const silent = await answering(['x-a', '1'])
  const telling = await answering(['deprecation', '@1700000000', 'sunset', 'Fri, 01 Jan 2027 00:00:00 GMT'])
  const sketch = { deprecated: true, sunset: '2026-12-31' }
  const told = await ask(`${(await before(silent, {}, sketch)).url}/x`)
  expect(told.headers['deprecation']).toBe('@0')
  expect(told.headers['sunset']).toBe('Thu, 31 Dec 2026 00:00:00 GMT')
  const kept = await ask(`${(await before(telling, {}, sketch)).url}/x`)
  expect(kept.headers['deprecation']).toBe('@1700000000')
  expect(kept.headers['sunset']).toBe('Fri, 01 Jan 2027 00:00:00 GMT')
})

test.each([200, 202, 204, 301, 304, 400, 409, 422, 500, 503])('status %d comes back as it is', async (status) => {
  const one = await service((_request, response) =>
    response.writeHead(status, { location: '/y', 'retry-after': '7' }).end(),
  )
  const answer = await ask(`${(await before(one)).url}/x`)
  expect(answer.status).toBe(status)
  expect(answer.headers['location']).toBe('/y')
  expect(answer.headers['retry-after']).toBe('7')
})

test('HEAD has the headers of GET and no body', async () => {
  const one = await service((_request, response) => response.writeHead(200, { 'content-length': '1000' }).end())
  const { url } = await before(one)
  const answer = await ask(`${url}/x`, { method: 'HEAD' })
  expect(answer.headers['content-length']).toBe('1000')
  expect(answer.text).toBe('')
  expect(one.seen[0]?.method).toBe('HEAD')
})

test('a large answer arrives whole, in its length or in chunks', async () => {
  const body = Buffer.alloc(5_000_000, 'answer')
  const one = await service((request, response) => {
    if (request.headers['x-chunks'] === undefined) response.setHeader('content-length', body.length)
    response.write(body)
    response.end()
  })
  const { url } = await before(one)
  const plain = await ask(`${url}/x`)
  expect(plain.text.length).toBe(body.length)
  expect(plain.headers['content-length']).toBe(String(body.length))
  const chunked = await ask(`${url}/x`, { headers: { 'x-chunks': '1' } })
  expect(chunked.text).toBe(body.toString())
  expect(chunked.headers['transfer-encoding']).toBe('chunked')
})

test('the head of an endless answer does not wait for its body', async () => {
  const one = await service((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  const { port } = await before(one, {}, { answers: { '200': 'text/event-stream' } })
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  expect(await client.until((text) => text.includes('\r\n\r\n'))).toContain('text/event-stream')
})

test('informational answers are not passed on, the answer is', async () => {
  const one = await rawService((socket) =>
    socket.on('data', () =>
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
    ),
  )
  const answer = await ask(`${(await before(one)).url}/x`)
  expect(answer.status).toBe(200)
  expect(answer.text).toBe('ok')
})

test('an answer that ends with its connection is passed on whole', async () => {
  const one = await rawService((socket) => socket.on('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end')))
  expect((await ask(`${(await before(one)).url}/x`)).text).toBe('until the end')
})

test('connections to a service are used again', async () => {
  const one = await service()
  const { url } = await before(one)
  for (let count = 0; count < 20; count++) expect((await ask(`${url}/x`)).status).toBe(200)
  expect(one.connections()).toBe(1)
})

test('a client connection is used again', async () => {
  const one = await service()
  const { port } = await before(one)
  const client = raw(port)
  for (let count = 1; count <= 3; count++) {
    client.socket.write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
    await client.until((text) => text.split('HTTP/1.1 200').length === count + 1)
  }
  expect(client.socket.destroyed).toBe(false)
})

test('pipelined requests are answered in their order', async () => {
  let count = 0
  const one = await service((_request, response) => {
    const mine = ++count
    // The first takes longest.
    setTimeout(() => response.end(`answer ${mine}`), mine === 1 ? 50 : 0)
  })
  const { port } = await before(one)
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(3))
  const text = await client.until((received) => received.includes('answer 3'))
  expect(text.indexOf('answer 1')).toBeLessThan(text.indexOf('answer 2'))
  expect(text.indexOf('answer 2')).toBeLessThan(text.indexOf('answer 3'))
})

test('200 requests at once are answered, each with its own answer', async () => {
  const one = await service((request, response) => response.end(String(request.headers['x-n'])))
  const { url } = await before(one)
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => ask(`${url}/x`, { headers: { 'x-n': String(index) } })),
  )
  expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 200 }, (_, index) => String(index)))
  expect(one.seen).toHaveLength(200)
})

test('more requests than connections wait for one', async () => {
  let most = 0
  let now = 0
  const one = await service((_request, response) => {
    most = Math.max(most, ++now)
    setTimeout(() => {
      now--
      response.end()
    }, 5)
  })
  const { url } = await before(one, { limits: { connections: 4 } })
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask(`${url}/x`)))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  expect(most).toBe(4)
})

test('beyond the limit of requests in flight there is a 503 with a time to come back', async () => {
  const waiting: (() => void)[] = []
  const one = await service((_request, response) => waiting.push(() => response.end()))
  const { url } = await before(one, { limits: { inFlight: 2 } })
  const first = [ask(`${url}/x`), ask(`${url}/x`)]
  while (waiting.length < 2) await new Promise((resolve) => setTimeout(resolve, 1))
  const third = await ask(`${url}/x`)
  expect(third.status).toBe(503)
  expect(third.headers['retry-after']).toBe('1')
  expect(third.json()['type']).toBe('https://spandrel.dev/problems/overloaded')
  for (const end of waiting) end()
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200])
})
