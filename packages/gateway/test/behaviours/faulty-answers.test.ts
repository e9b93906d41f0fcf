/** Answers of services that are not HTTP as it should be, or say two things: the client must never see either half. */
import { beforeAll, expect, test } from 'vitest'
import { ask, gateway, keepServers, raw, rawService } from '../servers.ts'
import { system } from '../system.ts'

let port = 0
let url = ''
let answer = ''
let ends = false
let connections = 0

beforeAll(async () => {
  keepServers()
  const one = await rawService((socket) => {
    connections++
    socket.on('data', () => (ends ? socket.end(answer, 'latin1') : socket.write(answer, 'latin1')))
  })
  // A POST without a key: never sent twice.
  const edge = await gateway({
    system: system({
      one: { url: one.url, operations: { post: { method: 'POST', path: '/x' }, get: { path: '/x' } } },
    }),
    limits: { timeoutMs: 1000 },
  })
  port = edge.port
  url = `${edge.url}/x`
})

const request = 'POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n'
const good = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** 502, and nothing of what the service wrote. */
function refused(name: string, bytes: string): void {
  // eslint-disable-next-line vitest/valid-title
  test(name, async () => {
    ends = false
    answer = bytes
    const { status, text, headers } = await ask(url, { method: 'POST' })
    expect(status).toBe(502)
    expect(text).toContain('https://spandrel.dev/problems/service-failed')
    expect(headers['set-cookie']).toBeUndefined()
    // The connection is spent: the next request has another one, and its own answer.
    answer = good
    const before = connections
    expect((await ask(url, { method: 'POST' })).text).toBe('ok')
    expect(connections).toBe(before + 1)
  })
}

refused(
  'an answer with two different lengths is 502',
  'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 40\r\n\r\nok',
)
refused(
  'an answer with two equal lengths is 502',
  'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok',
)
refused(
  'an answer with two content types is 502',
  'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/html\r\ncontent-type: text/plain\r\n\r\nok',
)
refused(
  'an answer with two locations is 502',
  'HTTP/1.1 201 Created\r\ncontent-length: 2\r\nlocation: /a\r\nlocation: /b\r\n\r\nok',
)
refused('an answer with a list of lengths is 502', 'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok')
refused('an answer with a negative length is 502', 'HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok')
refused('an answer with a length in hexadecimal is 502', 'HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok')
refused(
  'an answer with length and chunks is 502',
  'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
)
refused(
  'an answer with chunks and length is 502',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n',
)
refused(
  'an answer in gzip and chunks is 502: nobody would inflate it',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
)
refused(
  'an answer whose chunks are not the last coding is 502',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n',
)
refused(
  'an answer with an unknown transfer coding is 502',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
)
refused(
  'an answer with a bare line feed in a value is 502',
  'HTTP/1.1 200 OK\r\nx-a: 1\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\nok',
)
refused(
  'an answer with a bare carriage return in a value is 502',
  'HTTP/1.1 200 OK\r\nx-a: 1\rset-cookie: a=b\r\ncontent-length: 2\r\n\r\nok',
)
refused('an answer with a null byte in a value is 502', 'HTTP/1.1 200 OK\r\nx-a: 1\0\r\ncontent-length: 2\r\n\r\nok')
refused('an answer with a folded header is 502', 'HTTP/1.1 200 OK\r\nx-a: 1\r\n 2\r\ncontent-length: 2\r\n\r\nok')
refused('an answer with a space between name and colon is 502', 'HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok')
refused('an answer with line feeds only is 502', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok')
refused('an answer with a status below 100 is 502', 'HTTP/1.1 99 No\r\ncontent-length: 2\r\n\r\nok')
refused('an answer with a status above 599 is 502', 'HTTP/1.1 600 No\r\ncontent-length: 2\r\n\r\nok')
refused('an answer with headers beyond 16 KiB is 502', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`)
refused('an answer that is no HTTP is 502', 'hello\r\n\r\n')
// from nodejs/undici (its error “bad upgrade”)
refused(
  'an answer that changes the protocol unasked is 502',
  'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
)
// from nodejs/undici (its error “bad response”)
refused('a 100 that nobody asked for is 502', `HTTP/1.1 100 Continue\r\n\r\n${good}`)

/** The head has gone when the fault shows: the client sees that the answer is not whole, and no byte of the rest. */
function cut(name: string, bytes: string, last: string): void {
  // eslint-disable-next-line vitest/valid-title
  test(name, async () => {
    ends = true
    answer = bytes
    const text = await raw(port, request).closed
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text.endsWith(last)).toBe(true)
    ends = false
    answer = good
    expect((await ask(url, { method: 'POST' })).text).toBe('ok')
  })
}

cut(
  'an answer that is shorter than its length is cut',
  'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf',
  '\r\n\r\nhalf',
)
cut(
  'an answer whose last chunk is missing is cut',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  '\r\n4\r\nhalf\r\n',
)
cut(
  'an answer with a chunk size above all numbers is cut',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\nevil\r\n0\r\n\r\n',
  '\r\n\r\n',
)
cut(
  'an answer with a bare line feed in its chunks is cut',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\nevil\n0\n\n',
  '\r\n\r\n',
)

// from GHSA-35p6-xmwp-9g52 (nodejs/undici)
test('two answers to one request: the second is nobody’s answer', async () => {
  ends = false
  answer = `${good}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`
  expect((await ask(url, { method: 'POST' })).text).toBe('ok')
  answer = good
  for (let count = 0; count < 5; count++) expect((await ask(url, { method: 'POST' })).text).toBe('ok')
})

test('an answer longer than its length: the rest is nobody’s answer', async () => {
  ends = false
  answer = `${good}-and-more`
  expect((await ask(url, { method: 'POST' })).text).toBe('ok')
  answer = good
  for (let count = 0; count < 5; count++) expect((await ask(url, { method: 'POST' })).text).toBe('ok')
})

test('a body behind a 204 is nobody’s answer, and its length is not passed on', async () => {
  ends = false
  answer = 'HTTP/1.1 204 No Content\r\ncontent-length: 44\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'
  const first = await ask(url, { method: 'POST' })
  expect([first.status, first.headers['content-length'], first.text]).toEqual([204, undefined, ''])
  answer = good
  for (let count = 0; count < 5; count++) expect((await ask(url, { method: 'POST' })).text).toBe('ok')
})

test('a body behind the answer to HEAD is nobody’s answer', async () => {
  ends = false
  answer = 'HTTP/1.1 200 OK\r\ncontent-length: 44\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'
  const first = await ask(url, { method: 'HEAD' })
  expect([first.status, first.headers['content-length'], first.text]).toEqual([200, '44', ''])
  answer = good
  for (let count = 0; count < 5; count++) expect((await ask(url, { method: 'POST' })).text).toBe('ok')
})

test('a 304 keeps the length of what it stands for, and has no body', async () => {
  ends = false
  answer = 'HTTP/1.1 304 Not Modified\r\ncontent-length: 44\r\netag: "1"\r\n\r\n'
  const first = await ask(url)
  expect([first.status, first.headers['content-length'], first.text]).toEqual([304, '44', ''])
})

// from CVE-2016-5325 (nodejs/node): response splitting by the reason
test('the reason of a status is not passed on', async () => {
  ends = false
  answer = 'HTTP/1.1 200 Set-Cookie: a=b\r\ncontent-length: 2\r\n\r\nok'
  const client = raw(port, request)
  expect(await client.until((text) => text.endsWith('ok'))).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
})
