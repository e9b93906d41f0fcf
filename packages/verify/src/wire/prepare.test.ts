import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { prepare, sendTogether } from './prepare.ts'
import { isAllowedHost } from './allowed-host.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function raw(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer(onConnection).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return `http://127.0.0.1:${port}/orders`
}

test.each([['{"a":1}'], [undefined]])('the last byte is held back until release, with body %j', async (body) => {
  let seen = ''
  const url = await raw((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      seen += chunk.toString()
      if (seen.endsWith(body ?? '\r\n\r\n')) socket.end('HTTP/1.1 204 No Content\r\n\r\n')
    })
  })
  const prepared = prepare({ method: 'POST', url, headers: [], ...(body !== undefined && { body }) }, { within: [url] })
  await prepared.ready
  await expect.poll(() => seen.length).toBeGreaterThan(20)
  const before = seen
  prepared.release()
  const { outcome, sentAt, firstByteAt, lastByteAt, connection } = await prepared.done
  expect(outcome).toMatchObject({ kind: 'answer', answer: { status: 204 } })
  expect(seen.slice(before.length)).toHaveLength(1)
  expect(sentAt).toBeLessThanOrEqual(firstByteAt!)
  expect(firstByteAt).toBeLessThanOrEqual(lastByteAt!)
  expect(connection).toMatch(/^127\.0\.0\.1:\d+$/)
})

test('given up before the last byte is unsent; after it, unknown', async () => {
  const url = await raw((socket) => socket.on('error', () => {}).resume())
  const early = prepare({ method: 'POST', url, headers: [], body: 'x' }, { within: [url] })
  await early.ready
  early.abort()
  expect((await early.done).outcome.kind).toBe('unsent')
  const late = prepare({ method: 'POST', url, headers: [], body: 'x' }, { within: [url] })
  await late.ready
  late.release()
  late.abort()
  expect((await late.done).outcome).toEqual({ kind: 'unknown', why: 'given up by the client' })
})

test('no answer in time is unknown, nobody there is unsent, half an answer is unknown', async () => {
  const silent = await raw((socket) => socket.on('error', () => {}).resume())
  const [slow] = await sendTogether([{ method: 'POST', url: silent, headers: [], body: 'x' }], {
    within: [silent],
    timeoutMs: 50,
  })
  expect(slow?.outcome).toEqual({ kind: 'unknown', why: 'no answer within 50 ms' })
  const [nobody] = await sendTogether([{ method: 'POST', url: 'http://127.0.0.1:1/', headers: [], body: 'x' }], {
    within: ['http://127.0.0.1:1'],
  })
  expect(nobody?.outcome.kind).toBe('unsent')
  const half = await raw((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nabc')),
  )
  const [cut] = await sendTogether([{ method: 'POST', url: half, headers: [], body: 'xy' }], { within: [half] })
  expect(cut?.outcome.kind).toBe('unknown')
})

test('this machine, or a host that was named', async () => {
  for (const url of ['http://localhost:1/', 'http://127.9.9.9/', 'http://[::1]:80/', 'postgres://127.0.0.1/a'])
    expect({ url, is: await isAllowedHost(url) }).toEqual({ url, is: true })
  for (const url of [
    'http://127.0.0.1.evil.example/',
    'http://localhost.evil.example/',
    'http://10.0.0.1/',
    'postgres://127.0.0.999/a',
    'postgres://127.0.0.1,10.0.0.1/a',
  ])
    expect({ url, is: await isAllowedHost(url) }).toEqual({ url, is: false })
  expect(await isAllowedHost('http://Staging.example:8080/', ['staging.example'])).toBe(true)
})

test.each<[string[], boolean]>([
  [['127.0.0.1', '::1'], true],
  [['192.0.2.2'], false],
  [['127.0.0.1', '192.0.2.2'], false],
  [[], false],
])('a name that ends in localhost and resolves to %j: %s', async (addresses, expected) => {
  const asked: string[] = []
  const resolve = async (name: string) => {
    asked.push(name)
    return addresses
  }
  expect(await isAllowedHost('http://a.localhost:80/', [], resolve)).toBe(expected)
  expect(await isAllowedHost('http://localhost/', [], resolve)).toBe(expected)
  expect(asked).toEqual(['a.localhost', 'localhost'])
})

test.each([
  ['HTTP/1.0, no length', 'HTTP/1.0 201 Created\r\n\r\n{"id":1}'],
  ['HTTP/1.1, no length', 'HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n{"id":1}'],
  ['a length', 'HTTP/1.1 201 Created\r\nContent-Length: 8\r\n\r\n{"id":1}'],
  ['chunks', 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"id":1}\r\n0\r\n\r\n'],
])('an answer that ends with the connection is whole: %s', async (_, text) => {
  const url = await raw((socket) => socket.on('error', () => {}).once('data', () => socket.end(text)))
  const all = await sendTogether(
    Array.from({ length: 20 }, () => ({ method: 'GET', url, headers: [] })),
    { within: [url] },
  )
  expect(all).toHaveLength(20)
  for (const { outcome } of all)
    expect(outcome).toMatchObject({ kind: 'answer', answer: { status: 201, body: '{"id":1}' } })
})

test('a long answer that ends with the connection is read to its end', async () => {
  const body = 'x'.repeat(4 * 1024 * 1024)
  const url = await raw((socket) =>
    socket.on('error', () => {}).once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${body}`)),
  )
  const [one] = await sendTogether([{ method: 'GET', url, headers: [] }], { within: [url] })
  expect(one?.outcome.kind === 'answer' && one.outcome.answer.body.length).toBe(body.length)
})

test.each([
  ['in a length', 'HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nabc'],
  ['in a chunk', 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"id"'],
  ['between chunks', 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ['in the headers', 'HTTP/1.1 201 Created\r\nContent-'],
  ['before anything', ''],
])('a connection that is closed %s is a lost answer', async (_, text) => {
  const url = await raw((socket) => socket.on('error', () => {}).once('data', () => socket.end(text)))
  const [one] = await sendTogether([{ method: 'POST', url, headers: [], body: 'xy' }], {
    within: [url],
    timeoutMs: 5000,
  })
  // The server answers before the last byte: whether that had left is not what this is about.
  expect(one?.outcome).not.toHaveProperty('answer')
  expect(one?.outcome).toHaveProperty('why', expect.not.stringMatching(/no answer within/))
})

test('a connection that is reset in an answer without a length is a lost answer', async () => {
  const url = await raw((socket) =>
    socket
      .on('error', () => {})
      .once('data', () => {
        socket.write('HTTP/1.0 200 OK\r\n\r\nabc', () => setImmediate(() => socket.resetAndDestroy()))
      }),
  )
  const [one] = await sendTogether([{ method: 'GET', url, headers: [] }], { within: [url], timeoutMs: 5000 })
  expect(one?.outcome.kind).not.toBe('answer')
})

test('another scheme, host or port than the service is never asked', async () => {
  let asked = 0
  const url = await raw((socket) => {
    asked++
    socket.destroy()
  })
  const bases = ['http://127.0.0.1:1', url.replace('127.0.0.1', 'localhost'), url.replace('http:', 'https:')]
  for (const base of bases) {
    const prepared = prepare({ method: 'GET', url, headers: [['Authorization', 'x']] }, { within: [base] })
    await prepared.ready
    prepared.release()
    expect((await prepared.done).outcome).toEqual({ kind: 'unsent', why: expect.stringContaining('not asked') })
  }
  expect(asked).toBe(0)
  await sendTogether([{ method: 'GET', url, headers: [] }], { within: [...bases, url] })
  expect(asked).toBe(1)
})
