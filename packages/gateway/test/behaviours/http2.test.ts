/** TLS and HTTP/2, from clients and to services. What HTTP/2 forbids is sent as frames of our own making. */
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect, createSecureServer, type IncomingHttpHeaders } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { frames } from '../http2-frames.ts'
import {
  ask as plainAsk,
  gateway,
  keepServers,
  onCleanup,
  raw,
  service,
  type Seen,
  type TestGateway,
  until,
} from '../servers.ts'
import { system } from '../system.ts'

const file = (name: string): string => fileURLToPath(new URL(`../tls/${name}`, import.meta.url))
const tls = { cert: file('cert.pem'), key: file('key.pem') }
const ca = readFileSync(tls.cert)

let edge: TestGateway
let session: ClientHttp2Session
const seen: Seen[] = []
/** how the service answers; `ok` by default */
let answer: Parameters<typeof service>[0]

beforeAll(async () => {
  keepServers()
  const one = await service((request, response, one) => {
    seen.push(one)
    if (answer === undefined) response.end('ok')
    else answer(request, response, one)
  })
  edge = await gateway({
    system: system({
      one: {
        url: one.url,
        operations: {
          get: { path: '/x' },
          post: { method: 'POST', path: '/x', body: { 'text/plain': undefined, 'application/json': {} } },
        },
      },
    }),
    tls,
    limits: { requestMs: 500, stallMs: 500 },
  })
  session = connect(edge.url, { ca })
  onCleanup(() => session.destroy())
})

beforeEach(() => {
  seen.length = 0
  answer = undefined
})

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  trailers: IncomingHttpHeaders | undefined
  /** why the stream was cut; 0: it was not */
  code: number
}

function ask(headers: Record<string, string | string[]>, body?: string, on = session): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = on.request({ ':path': '/x', ...headers }, { endStream: body === undefined })
    let head: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders | undefined
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    stream.on('response', (got) => (head = got)).on('trailers', (got) => (trailers = got))
    stream.on('error', () => {})
    stream.on('close', () =>
      resolve({ status: Number(head[':status'] ?? 0), headers: head, text, trailers, code: stream.rstCode ?? 0 }),
    )
    if (body !== undefined) stream.end(body)
  })
}

test('HTTP/2 requests reach a service of HTTP/1.1, and its answer comes back', async () => {
  answer = (_request, response) =>
    response.writeHead(201, ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'connection', 'x-own', 'x-own', '1']).end('done')
  const got = await ask({ ':method': 'POST', 'content-type': 'text/plain', 'x-one': ['1', '2'] }, 'body')
  expect([got.status, got.text, got.headers['set-cookie']]).toEqual([201, 'done', ['a=1', 'b=2']])
  expect(got.headers['x-own']).toBeUndefined()
  expect(got.headers.connection).toBeUndefined()
  expect(seen[0]?.body.toString()).toBe('body')
  expect(seen[0]?.headers).toMatchObject({ 'x-one': '1, 2', 'x-forwarded-proto': 'https' })
  expect(seen[0]?.headers['via']).toMatch(/^2\.0 spandrel-/)
  expect(seen[0]?.headers['x-forwarded-host']).toBe(`127.0.0.1:${edge.port}`)
})

test('no pseudo-header reaches a service', async () => {
  await ask({ ':method': 'GET' })
  expect(seen[0]?.rawHeaders.filter((_, index, all) => (all[index - (index % 2)] ?? '').includes(':'))).toEqual([])
})

test('the crumbs of an HTTP/2 cookie are one cookie to a service', async () => {
  await ask({ ':method': 'GET', cookie: ['a=1', 'b=2'] })
  expect(seen[0]?.headers.cookie).toBe('a=1; b=2')
})

test('a refusal is a problem in HTTP/2, too', async () => {
  const got = await ask({ ':method': 'GET', ':path': '/nowhere' })
  expect(got.status).toBe(404)
  expect(got.headers['content-type']).toBe('application/problem+json')
  const late = await ask({ ':method': 'POST', 'content-type': 'application/xml' }, '<a/>')
  expect(late.status).toBe(415)
  expect(seen).toHaveLength(0)
})

test('a body without a length is counted in HTTP/2, too', async () => {
  expect((await ask({ ':method': 'POST', 'content-type': 'text/plain' }, 'x'.repeat(2_000_000))).status).toBe(413)
  expect((await ask({ ':method': 'GET' }, 'a body where none is taken')).status).toBe(415)
})

test('trailers of an answer go on in HTTP/2', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' }).write('ok')
    response.addTrailers({ 'x-sum': '7', 'x-other': '8' })
    response.end()
  }
  const got = await ask({ ':method': 'GET', te: 'trailers' })
  expect(got.text).toBe('ok')
  expect(got.trailers?.['x-sum']).toBe('7')
  expect(got.trailers?.['x-other']).toBeUndefined()
})

test('an answer that breaks off is an error in HTTP/2, not an end', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half')
    setImmediate(() => response.destroy())
  }
  const got = await ask({ ':method': 'GET' })
  expect([got.status, got.code === 0]).toEqual([200, false])
})

test('a hundred requests on one HTTP/2 connection are answered, each with its own answer', async () => {
  answer = (request, response) => setTimeout(() => response.end(String(request.headers['x-n'])), Math.random() * 20)
  const texts = await Promise.all(Array.from({ length: 100 }, (_, n) => ask({ ':method': 'GET', 'x-n': String(n) })))
  expect(texts.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, n) => String(n)))
})

test('a client that gives up one HTTP/2 request keeps the others of its connection', async () => {
  const waiting: (() => void)[] = []
  answer = (_request, response) => waiting.push(() => response.end('ok'))
  const first = session.request({ ':path': '/x' })
  first.on('error', () => {}).resume()
  const second = ask({ ':method': 'GET' })
  await until(() => waiting.length === 2)
  first.close(8)
  await new Promise((resolve) => first.on('close', resolve))
  for (const end of waiting) end()
  expect((await second).text).toBe('ok')
  await until(() => edge.gateway.health().inFlight === 0)
})

test('a body that does not come in time is 408 in HTTP/2, too', async () => {
  const stream = session.request({ ':method': 'POST', ':path': '/x', 'content-type': 'application/json' })
  stream.on('error', () => {}).write('{"a')
  const status = await new Promise((resolve) => stream.on('response', (head) => resolve(head[':status'])))
  expect(status).toBe(408)
  stream.close(8)
  await until(() => edge.gateway.health().inFlight === 0)
  expect(seen).toHaveLength(0)
})

test('an HTTP/2 client that takes no byte of its answer is cut', async () => {
  answer = (_request, response) => response.end(Buffer.alloc(5_000_000))
  const stream = session.request({ ':path': '/x' })
  stream.on('error', () => {}).pause()
  const closed = new Promise((resolve) => stream.on('close', resolve))
  await closed
  expect(stream.rstCode).not.toBe(0)
  await until(() => edge.gateway.health().inFlight === 0)
})

test('a client that waits for 100 Continue is told so in HTTP/2, too', async () => {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/x',
    'content-type': 'text/plain',
    expect: '100-continue',
  })
  stream.on('continue', () => stream.end('hi'))
  expect(await new Promise((resolve) => stream.on('response', (head) => resolve(head[':status'])))).toBe(200)
  stream.resume()
  expect(seen[0]?.body.toString()).toBe('hi')
})

// — frames —

const get: [string, string][] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a'],
  [':path', '/x'],
]
const post: [string, string][] = [[':method', 'POST'], ...get.slice(1), ['content-type', 'text/plain']]

/** The types of the frames that come back on stream 1 until it is over or the connection ends. */
function frameTypes(bytes: Buffer): Promise<{ reset: boolean; answered: boolean }> {
  return new Promise((resolve) => {
    const socket: TLSSocket = tlsConnect({ port: edge.port, host: '127.0.0.1', ca, ALPNProtocols: ['h2'] }, () =>
      socket.write(bytes),
    )
    let got = Buffer.alloc(0)
    const look = (over: boolean): void => {
      let [at, reset, answered] = [0, false, false]
      while (at + 9 <= got.length && at + 9 + got.readUIntBE(at, 3) <= got.length) {
        const [type, stream] = [got[at + 3], got.readUInt32BE(at + 5)]
        if (type === 7 || (type === 3 && stream === 1)) reset = true
        if (type === 1 && stream === 1) answered = true
        at += 9 + got.readUIntBE(at, 3)
      }
      if (!over && !reset && !answered) return
      socket.destroy()
      resolve({ reset: reset || (over && !answered), answered })
    }
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk])
      look(false)
    })
    socket.on('error', () => {}).on('close', () => look(true))
  })
}

/** Refused by the stream's error or the connection's, and the service hears nothing. */
function malformed(name: string, bytes: Buffer): void {
  // eslint-disable-next-line vitest/valid-title
  test(name, async () => {
    const { reset, answered } = await frameTypes(bytes)
    expect([reset, answered]).toEqual([true, false])
    expect(seen).toHaveLength(0)
  })
}

test('frames of our own making are understood', async () => {
  expect(await frameTypes(frames(get))).toEqual({ reset: false, answered: true })
  expect(seen).toHaveLength(1)
})
// from PortSwigger, "HTTP/2: The Sequel is Always Worse" (H2.TE)
malformed(
  'transfer-encoding in HTTP/2 is refused',
  frames([...post, ['transfer-encoding', 'chunked']], '0\r\n\r\nGET /x'),
)
// from PortSwigger, "HTTP/2: The Sequel is Always Worse" (H2.CL)
malformed('a length above the body in HTTP/2 is refused', frames([...post, ['content-length', '40']], 'short'))
/** Node's parser leaves such a field out and says nothing: the request goes on without it. */
function leftOut(name: string, field: [string, string]): void {
  // eslint-disable-next-line vitest/valid-title
  test(name, async () => {
    await frameTypes(frames([...get, field]))
    expect(seen).toHaveLength(1)
    expect(seen[0]?.rawHeaders.filter((text) => /x-[ab]/.test(text))).toEqual([])
  })
}

// from PortSwigger, "HTTP/2: The Sequel is Always Worse" (header injection)
leftOut('a line break in a value in HTTP/2 reaches no service', ['x-a', '1\r\nx-b: 2'])
leftOut('a null byte in a value in HTTP/2 reaches no service', ['x-a', '1\0'])
leftOut('a line break in a name in HTTP/2 reaches no service', ['x-a: 1\r\nx-b', '2'])
leftOut('a colon in a name in HTTP/2 reaches no service', ['x-a:1', '2'])

// from PortSwigger, "HTTP/2: The Sequel is Always Worse" (H2.CL)
test('a body above its length in HTTP/2 reaches no service', async () => {
  await frameTypes(frames([...post, ['content-length', '0']], 'GET /x HTTP/1.1\r\n\r\n'))
  await until(() => edge.gateway.health().inFlight === 0)
  expect(seen.filter(({ method, body }) => method !== 'POST' || body.length > 0)).toEqual([])
})

malformed('an upper-case name in HTTP/2 is refused', frames([...get, ['X-A', '2']]))
malformed('a connection header in HTTP/2 is refused', frames([...get, ['connection', 'x-a'], ['x-a', '1']]))
malformed('te with more than trailers in HTTP/2 is refused', frames([...get, ['te', 'chunked']]))
malformed('two paths in HTTP/2 are refused', frames([...get, [':path', '/y']]))
malformed(
  'a pseudo-header after a header in HTTP/2 is refused',
  frames([...get.slice(0, 3), ['x-a', '1'], [':path', '/x']]),
)
malformed('an unknown pseudo-header in HTTP/2 is refused', frames([...get, [':smuggled', '1']]))
malformed('a request without a path in HTTP/2 is refused', frames(get.slice(0, 3)))
malformed('a line break in a path in HTTP/2 is refused', frames([...get.slice(0, 3), [':path', '/x HTTP/1.1\r\nx: y']]))

test('an authority and another host in HTTP/2 are refused', async () => {
  const got = await ask({ ':method': 'GET', ':authority': 'a', host: 'b' })
  expect(got.status).toBe(400)
  expect(seen).toHaveLength(0)
})

malformed('a space in a path in HTTP/2 is refused', frames([...get.slice(0, 3), [':path', '/x HTTP/1.1']]))

// — TLS —

test('HTTP/1.1 is spoken over TLS with who does not know HTTP/2', async () => {
  const status = await new Promise((resolve, reject) => {
    const request = httpsRequest(`${edge.url}/x`, { ca, agent: false }, (response) => {
      response.resume()
      resolve([response.statusCode, response.httpVersion])
    })
    request.on('error', reject).end()
  })
  expect(status).toEqual([200, '1.1'])
  expect(seen[0]?.headers['x-forwarded-proto']).toBe('https')
})

test('plain HTTP on the TLS port is ended without a word of HTTP', async () => {
  expect(await raw(edge.port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n').closed).not.toContain('HTTP/1.1')
  expect(seen).toHaveLength(0)
})

test('TLS below 1.2 is refused', async () => {
  const socket = tlsConnect({ port: edge.port, host: '127.0.0.1', ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })
  expect(
    await new Promise((resolve) => socket.on('error', () => resolve('refused')).on('secureConnect', resolve)),
  ).toBe('refused')
})

test('certificate and key that do not belong together are an error at start', async () => {
  await expect(gateway({ system: system({}), tls: { cert: tls.key, key: tls.cert } })).rejects.toThrow(
    /no certificate and its key/,
  )
  await expect(gateway({ system: system({}), tls: { ...tls, cert: '/nowhere.pem' } })).rejects.toThrow(/cannot be read/)
})

test('a stop tells HTTP/2 clients, and answers what is in flight', async () => {
  const waiting: (() => void)[] = []
  const one = await service((_request, response) => waiting.push(() => response.end('whole')))
  const own = await gateway({ system: system({ one: { url: one.url, operations: { get: { path: '/x' } } } }), tls })
  const client = connect(own.url, { ca })
  onCleanup(() => client.destroy())
  const told = new Promise((resolve) => client.on('goaway', resolve))
  const running = ask({ ':method': 'GET' }, undefined, client)
  await until(() => waiting.length === 1)
  const closing = own.gateway.close({ deadlineMs: 5000 })
  await told
  waiting[0]?.()
  expect((await running).text).toBe('whole')
  await closing
})

/** A service that speaks TLS, and says which HTTP it was spoken to in. */
async function secureService(): Promise<string> {
  const server = createSecureServer({ cert: ca, key: readFileSync(tls.key), allowHTTP1: true }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => response.end(`${request.httpVersion} ${Buffer.concat(chunks).length}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onCleanup(() => server.close())
  return `https://localhost:${(server.address() as AddressInfo).port}`
}

const systemAt = (url: string, upstream = {}): ReturnType<typeof system> =>
  system(
    { one: { url, operations: { put: { method: 'PUT', path: '/x', body: { 'text/plain': undefined } } } } },
    { upstream },
  )

const behind = (url: string, upstream?: object): Promise<TestGateway> =>
  gateway({ system: systemAt(url), ...(upstream !== undefined && { upstream }) })

const put = (url: string): ReturnType<typeof plainAsk> =>
  plainAsk(`${url}/x`, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(300_000) })

test('a service whose certificate nobody known has signed is not spoken to', async () => {
  expect((await put((await behind(await secureService())).url)).status).toBe(503)
})

test('a service whose certificate one’s own authority has signed is spoken to in TLS', async () => {
  expect((await put((await behind(await secureService(), { ca: tls.cert })).url)).text).toBe('1.1 300000')
})

test('HTTP/2 is spoken with a service that takes it, where that is wanted', async () => {
  const { url } = await behind(await secureService(), { ca: tls.cert, http2: true })
  const answers = await Promise.all(Array.from({ length: 20 }, () => put(url)))
  expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, () => '2.0 300000'))
})

test('a reload takes another authority, and HTTP/2, where the URL is the same', async () => {
  const url = await secureService()
  const edge = await behind(url)
  for (let count = 0; count < 6; count++) expect((await put(edge.url)).status).toBe(503)
  // What failed for want of the authority is forgotten: nothing is left alone.
  await edge.gateway.reload(systemAt(url, { ca: tls.cert }))
  expect((await put(edge.url)).text).toBe('1.1 300000')
  await edge.gateway.reload(systemAt(url, { ca: tls.cert, http2: true }))
  expect((await put(edge.url)).text).toBe('2.0 300000')
})
