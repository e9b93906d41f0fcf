/**
 * Requests that two readers could take for two different ones. The service is a plain socket that writes down every
 * byte: a refused request must not have reached it in any form.
 */
import { beforeAll, expect, test } from 'vitest'
import { gateway, keepServers, raw, rawService, type RawService, until } from '../servers.ts'
import { system } from '../system.ts'

let port = 0
let one: RawService

beforeAll(async () => {
  keepServers()
  one = await rawService((socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')),
  )
  const edge = await gateway({
    system: system({
      one: {
        url: one.url,
        operations: {
          get: { path: '/x' },
          post: { method: 'POST', path: '/x', body: { 'application/json': {}, 'text/plain': undefined } },
        },
      },
    }),
    limits: { headersMs: 400, requestMs: 400 },
  })
  port = edge.port
})

const post = 'POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n'
const behind = 'GET /x?smuggled HTTP/1.1\r\nhost: a\r\n\r\n'

/** Refused with 400 and the end of the connection; whatever follows on it is not read. */
function refused(name: string, bytes: string, status = 400): void {
  // eslint-disable-next-line vitest/valid-title
  test(name, async () => {
    const before = one.received()
    const text = await raw(port, bytes + behind).closed
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text.split('HTTP/1.1 ').length).toBe(2)
    expect(text.toLowerCase()).toContain('connection: close')
    expect(one.received()).not.toContain('smuggled')
    // Nothing of its body either: a part of a chunked one may have gone before its fault came.
    expect(one.received().slice(before.length)).not.toMatch(/\r\n0\r\n\r\n$/)
  })
}

// from PortSwigger, "HTTP Desync Attacks" (CL.TE)
refused(
  'a length and chunks together are refused',
  `${post}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
)
// from PortSwigger, "HTTP Desync Attacks" (TE.CL)
refused(
  'chunks and a length together are refused',
  `${post}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n`,
)
// from CVE-2022-32215 (nodejs/node)
refused(
  'a transfer coding on several lines is refused',
  `${post}transfer-encoding: chunked\r\n , identity\r\n\r\n0\r\n\r\n`,
)
// from CVE-2022-32213 (nodejs/node)
refused(
  'a transfer coding that only contains the word chunked is refused',
  `${post}transfer-encoding: chunkedchunked\r\n\r\n0\r\n\r\n`,
)
refused('a transfer coding after chunked is refused', `${post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`)
refused('a transfer coding before chunked is refused', `${post}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`)
refused('identity as a transfer coding is refused', `${post}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok`)
refused('a vertical tab before chunked is refused', `${post}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`)
refused('chunked in quotes is refused', `${post}transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n`)
refused('a parameter of chunked is refused', `${post}transfer-encoding: chunked;a=b\r\n\r\n0\r\n\r\n`)
refused(
  'chunks in HTTP/1.0 are refused',
  'POST /x HTTP/1.0\r\nhost: a\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
)
refused('two different lengths are refused', `${post}content-length: 4\r\ncontent-length: 5\r\n\r\nabcde`)
refused('two equal lengths are refused', `${post}content-length: 4\r\ncontent-length: 4\r\n\r\nabcd`)
refused('a list of lengths is refused', `${post}content-length: 4, 4\r\n\r\nabcd`)
refused('a length with a sign is refused', `${post}content-length: +4\r\n\r\nabcd`)
refused('a length with a space inside is refused', `${post}content-length: 4 0\r\n\r\nabcd`)
refused('an empty length is refused', `${post}content-length:\r\n\r\nabcd`)
refused('a length above all numbers is refused', `${post}content-length: 18446744073709551620\r\n\r\nabcd`)
// from CVE-2019-15605 and CVE-2022-35256 (nodejs/node)
refused('a header line that ends with a bare line feed is refused', `${post}x-a: 1\ncontent-length: 4\r\n\r\nabcd`)
// from CVE-2023-30589 (nodejs/node)
refused('a bare carriage return between headers is refused', `${post}x-a: 1\rcontent-length: 40\r\n\r\n`)
// from CVE-2021-22959 (nodejs/node)
refused('a space between name and colon is refused', `${post}content-length : 4\r\n\r\nabcd`)
// from CVE-2024-27982 (nodejs/node)
refused('a folded header is refused', `${post}x-a: 1\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n`)
refused(
  'a first header line that begins with a space is refused',
  'GET /x HTTP/1.1\r\n host: b\r\nhost: a\r\nx: 1\r\n\r\n',
)
refused('a null byte in a value is refused', `${post}x-a: 1\x002\r\ncontent-length: 4\r\n\r\nabcd`)
refused('a name that is no token is refused', `${post}x(a): 1\r\ncontent-length: 4\r\n\r\nabcd`)
refused('a space before the request line is refused', ' GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
refused('a tab in the request line is refused', 'GET\t/x\tHTTP/1.1\r\nhost: a\r\n\r\n')
refused('a version that does not exist is refused', 'GET /x HTTP/1.2\r\nhost: a\r\n\r\n')
refused('a request without a version is refused', 'GET /x\r\n\r\n')
refused('the HTTP/2 preface on a plain connection is refused', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
refused('two hosts are refused', 'GET /x HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n')
refused('a host and another one in the target are refused', 'GET http://b/x HTTP/1.1\r\nhost: a\r\n\r\n')
refused('a chunk size with a sign is refused', `${post}transfer-encoding: chunked\r\n\r\n-4\r\nabcd\r\n0\r\n\r\n`)
refused('a chunk size with a prefix is refused', `${post}transfer-encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n`)
refused(
  'a chunk size above all numbers is refused',
  `${post}transfer-encoding: chunked\r\n\r\nfffffffffffffff04\r\nabcd\r\n0\r\n\r\n`,
)
refused('a space after a chunk size is refused', `${post}transfer-encoding: chunked\r\n\r\n4 \r\nabcd\r\n0\r\n\r\n`)
// from CVE-2025-22871 (golang/go), "Funky chunks"
refused(
  'a bare line feed after a chunk size is refused',
  `${post}transfer-encoding: chunked\r\n\r\n4\nabcd\r\n0\r\n\r\n`,
)
// from "Funky chunks" (w4ke.info, 2025)
refused(
  'a bare line feed in a chunk extension is refused',
  `${post}transfer-encoding: chunked\r\n\r\n4;\nxx\r\nabcd\r\n0\r\n\r\n`,
)
refused('a chunk longer than it says is refused', `${post}transfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n`)
// from CVE-2024-22019 (nodejs/node)
refused(
  'chunk extensions without end are refused',
  `${post}transfer-encoding: chunked\r\n\r\n4;${'a'.repeat(20_000)}\r\nabcd\r\n0\r\n\r\n`,
)
refused('a request line longer than all headers may be is refused', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n`, 431)

test('chunk extensions and the client chunks do not go on: the service sees one body, framed anew', async () => {
  const before = one.received().length
  const client = raw(port, `${post}transfer-encoding: chunked\r\n\r\n2;a=b\r\nab\r\n2;c="d"\r\ncd\r\n0\r\n\r\n`)
  await client.until((text) => text.endsWith('ok'))
  const seen = one.received().slice(before)
  expect(seen.split('POST /x').length).toBe(2)
  expect(seen).not.toContain('a=b')
  expect(seen).not.toContain('c="d"')
  expect(seen).toMatch(/\r\n\r\n(?:abcd|4\r\nabcd\r\n0\r\n\r\n|2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n)$/)
})

test('a body that looks like a request stays a body', async () => {
  const before = one.received().length
  const inner = 'GET /x?inner HTTP/1.1\r\nhost: a\r\n\r\n'
  const client = raw(port, `${post}content-length: ${inner.length}\r\n\r\n${inner}`)
  await client.until((text) => text.endsWith('ok'))
  const seen = one.received().slice(before)
  expect(seen).toContain(`content-length: ${inner.length}\r\n`)
  expect(seen.endsWith(`\r\n\r\n${inner}`)).toBe(true)
})

test('an expectation that is refused leaves no body behind to be taken for a request', async () => {
  const text = await raw(port, `${post}expect: 200-ok\r\ncontent-length: ${behind.length}\r\n\r\n${behind}`).closed
  expect(text).toMatch(/^HTTP\/1\.1 417 /)
  expect(text.split('HTTP/1.1 ').length).toBe(2)
  expect(one.received()).not.toContain('smuggled')
})

// from CVE-2025-32094 (Akamai): OPTIONS with an expectation and a folded header
test('an expectation on OPTIONS smuggles nothing', async () => {
  await raw(port, `OPTIONS /x HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 40\r\n\r\n${behind}`)
    .closed
  expect(one.received()).not.toContain('smuggled')
})

test('empty lines before a request are dropped', async () => {
  const client = raw(port, '\r\n\r\nGET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  expect(await client.until((text) => text.endsWith('ok'))).toMatch(/^HTTP\/1\.1 200 /)
})

test('empty lines without end are cut after the time for a head', async () => {
  const client = raw(port, '\r\n'.repeat(10_000))
  expect(await client.closed).toMatch(/^HTTP\/1\.1 408 /)
})

test('upper and lower case of chunked do not matter', async () => {
  const before = one.received().length
  const client = raw(port, `${post}Transfer-Encoding: CHUNKED\r\n\r\n2\r\nab\r\n0\r\n\r\n`)
  await client.until((text) => text.endsWith('ok'))
  await until(() => one.received().length > before)
  expect(one.received().slice(before).split('POST /x').length).toBe(2)
})
