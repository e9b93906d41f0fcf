/** What a gateway owes both sides of a well-formed exchange: RFC 9110 and RFC 9112. */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { ask, gateway, keepServers, raw, rawService, type RawService, until } from '../servers.ts'
import { key, system } from '../system.ts'

let port = 0
let url = ''
let answer = ''
let one: RawService
/** what the service received of the request of this test */
let start = 0
const seen = (): string => one.received().slice(start)

beforeAll(async () => {
  keepServers()
  one = await rawService((socket) => socket.on('data', () => socket.write(answer, 'latin1')))
  const edge = await gateway({
    system: system({
      one: {
        url: one.url,
        operations: {
          get: { path: '/x' },
          json: { method: 'POST', path: '/json', body: { 'application/json': { type: 'object' } } },
          text: { method: 'POST', path: '/text', body: { 'text/plain': undefined } },
          keyed: {
            method: 'POST',
            path: '/keyed',
            body: { 'application/json': {} },
            guarantees: { idempotency: key },
          },
        },
      },
      away: {
        url: 'http://127.0.0.1:1',
        operations: { put: { method: 'PUT', path: '/away', body: { 'text/plain': undefined } } },
      },
    }),
    limits: { timeoutMs: 2000 },
  })
  port = edge.port
  url = edge.url
})

beforeEach(() => {
  answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
  start = one.received().length
})

const head = (path: string, type: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\nexpect: 100-continue\r\n`

test('a client that waits for 100 Continue is told so once its head is found good', async () => {
  const client = raw(port, `${head('/json', 'application/json', 2)}\r\n`)
  expect(await client.until((text) => text.length > 0)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  expect(seen()).toBe('')
  client.socket.write('{}')
  expect(await client.until((text) => text.endsWith('ok'))).toContain('HTTP/1.1 200 ')
  expect(seen()).not.toContain('expect')
})

test('a body that streams is asked for only when the service has taken the connection', async () => {
  const away = raw(
    port,
    'PUT /away HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n',
  )
  const text = await away.closed
  expect(text).toMatch(/^HTTP\/1\.1 503 /)
  expect(text).not.toContain('100 Continue')
  const client = raw(port, `${head('/text', 'text/plain', 2)}\r\n`)
  expect(await client.until((received) => received.length > 0)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  client.socket.write('hi')
  expect(await client.until((received) => received.endsWith('ok'))).toContain('HTTP/1.1 200 ')
})

/** A client that waits is refused by its head alone, and the connection ends: no body can be mistaken. */
function refusedBeforeBody(name: string, bytes: string, status: number): void {
  // eslint-disable-next-line vitest/valid-title
  test(name, async () => {
    const text = await raw(port, bytes).closed
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text).not.toContain('100 Continue')
    expect(text.toLowerCase()).toContain('connection: close')
    expect(seen()).toBe('')
  })
}

refusedBeforeBody(
  'a client that waits is refused before its body where the path is unknown',
  `${head('/nowhere', 'text/plain', 9)}\r\n`,
  404,
)
refusedBeforeBody(
  'a client that waits is refused before its body where the key is missing',
  `${head('/keyed', 'application/json', 9)}\r\n`,
  400,
)
refusedBeforeBody(
  'a client that waits is refused before its body where the body is too large',
  `${head('/text', 'text/plain', 99_999_999)}\r\n`,
  413,
)
refusedBeforeBody(
  'a client that waits is refused before its body where the type is not taken',
  `${head('/json', 'text/plain', 9)}\r\n`,
  415,
)
refusedBeforeBody(
  'an expectation that is not known is 417',
  'POST /text HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nexpect: 100-continue, magic\r\n\r\n',
  417,
)

test('HTTP/1.0 is never told 100 Continue', async () => {
  const client = raw(
    port,
    'POST /text HTTP/1.0\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\nhi',
  )
  expect(await client.closed).toMatch(/^HTTP\/1\.[01] 200 /)
})

const trailing =
  'HTTP/1.1 200 OK\r\ntrailer: X-Sum, X-Absent, Cache-Control, Set-Cookie\r\ntransfer-encoding: chunked\r\n\r\n' +
  '2\r\nok\r\n0\r\nX-Sum: 7\r\nX-Sum: 8\r\nx-undeclared: 1\r\nset-cookie: a=b\r\ncache-control: public\r\n\r\n'

test('trailers of an answer go on where they were announced and the client reads them', async () => {
  answer = trailing
  const text = await raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\nconnection: te, close\r\nte: trailers\r\n\r\n').closed
  expect(text).toContain('\r\ntrailer: x-sum, x-absent\r\n')
  expect(text.endsWith('\r\n0\r\nx-sum: 7\r\nx-sum: 8\r\n\r\n')).toBe(true)
  expect(seen()).toContain('te: trailers\r\n')
})

test('trailers of an answer are dropped where the client does not read them', async () => {
  answer = trailing
  const text = await raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n').closed
  expect(text).not.toMatch(/x-sum/i)
  expect(text.endsWith('2\r\nok\r\n0\r\n\r\n')).toBe(true)
  expect(seen()).not.toContain('te: ')
})

test('trailers of an answer that has a length do not exist', async () => {
  answer = 'HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ncontent-length: 2\r\n\r\nok'
  const text = await raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\nte: trailers\r\n\r\n').closed
  expect(text).not.toMatch(/trailer/i)
  expect(text.endsWith('\r\n\r\nok')).toBe(true)
})

test('trailers of a request never become headers', async () => {
  const client = raw(
    port,
    'POST /text HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ntrailer: authorization, x-a\r\n' +
      'transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nauthorization: Bearer x\r\nspandrel-caller: root\r\nx-a: 1\r\n\r\n',
  )
  await client.until((text) => text.endsWith('ok'))
  expect(seen()).not.toMatch(/Bearer|root|x-a/)
})

test('hints before an answer stay here in HTTP/1.1: old clients take them for the answer', async () => {
  answer = `HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${answer}`
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  expect(await client.until((text) => text.endsWith('ok'))).toMatch(/^HTTP\/1\.1 200 /)
})

test('via names this gateway to the service, after the hops before it, and nobody to the client', async () => {
  const { headers } = await ask(`${url}/x`, { headers: { via: '1.0 front' } })
  expect(seen()).toMatch(/\r\nvia: 1\.0 front, 1\.1 spandrel-[0-9a-f]{8}\r\n/)
  expect(headers['via']).toBeUndefined()
})

test('a request that comes back to the gateway that sent it is 508', async () => {
  await ask(`${url}/x`)
  const via = /via: (1\.1 spandrel-\w+)/.exec(seen())?.[1] ?? ''
  const answered = await ask(`${url}/x`, { headers: { via: `${via}, 1.1 other` } })
  expect(answered.status).toBe(508)
  expect(answered.json()['type']).toBe('https://spandrel.dev/problems/loop-detected')
})

test('OPTIONS * is answered here', async () => {
  const { status, headers } = await ask(url, { method: 'OPTIONS', path: '*' })
  expect([status, headers['allow']]).toEqual([204, 'GET, HEAD, POST, PUT'])
  expect(seen()).toBe('')
})

test('an asterisk with any other method is 400', async () => {
  expect((await ask(url, { method: 'GET', path: '*' })).status).toBe(400)
  expect(seen()).toBe('')
})

test('an absolute target counts, not the host header, and both must agree', async () => {
  expect((await ask(url, { path: 'http://shop.example/x?a=1', headers: { host: 'shop.example' } })).status).toBe(200)
  expect(seen()).toMatch(/^GET \/x\?a=1 HTTP\/1\.1\r\n/)
  expect((await ask(url, { path: 'http://evil.example/x', headers: { host: 'shop.example' } })).status).toBe(400)
})

test('a header that the connection names is as absent as the connection: the key too', async () => {
  const answered = await ask(`${url}/keyed`, {
    method: 'POST',
    headers: { connection: 'close, idempotency-key', 'idempotency-key': 'k', 'content-type': 'application/json' },
    body: '{}',
  })
  expect(answered.json()['type']).toBe('https://spandrel.dev/problems/key-missing')
  expect(seen()).toBe('')
})

test('a client cannot drop what the gateway says by naming it in connection', async () => {
  await ask(`${url}/x`, {
    headers: { connection: 'close, forwarded, x-forwarded-for, via, traceparent, correlation-id, host, te' },
  })
  for (const name of ['forwarded', 'x-forwarded-for', 'via', 'traceparent', 'correlation-id', 'host']) {
    expect(seen()).toContain(`\r\n${name}: `)
  }
})

test('a client cannot drop the length of its body by naming it in connection', async () => {
  const client = raw(
    port,
    'POST /text HTTP/1.1\r\nhost: a\r\nconnection: content-length, transfer-encoding\r\ncontent-type: text/plain\r\n' +
      'content-length: 2\r\n\r\nhi',
  )
  await client.until((text) => text.endsWith('ok'))
  expect(seen()).toMatch(/\r\ncontent-length: 2\r\n\r\nhi$/)
})

test('a request for h2c stays HTTP/1.1', async () => {
  const client = raw(
    port,
    'GET /x HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n',
  )
  expect(await client.until((text) => text.endsWith('ok'))).toMatch(/^HTTP\/1\.1 200 /)
  expect(seen()).not.toMatch(/h2c|settings/i)
})

test('proxy credentials stay here', async () => {
  await ask(`${url}/x`, { headers: { 'proxy-authorization': 'Basic c2VjcmV0', 'proxy-connection': 'close' } })
  await until(() => seen().length > 0)
  expect(seen()).not.toMatch(/proxy-/i)
})
