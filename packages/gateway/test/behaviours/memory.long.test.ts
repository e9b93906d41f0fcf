/** What large bodies and many connections cost: the memory of a gateway in a process of its own. */
import { fork } from 'node:child_process'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { ask, onCleanup, raw } from '../servers.ts'

const size = 1024 ** 3
const mebibyte = 1024 ** 2

function* bytes(): Generator<Buffer> {
  const part = Buffer.alloc(65_536, 'x')
  for (let sent = 0; sent < size; sent += part.length) yield part
}

async function start(): Promise<{ port: number; rss: () => Promise<number> }> {
  const server = createServer((request, response) => {
    let received = 0
    request.on('data', (chunk: Buffer) => (received += chunk.length))
    request.on('end', () => {
      if (request.method === 'PUT') response.end(String(received))
      else if (request.headers['x-small'] !== undefined) response.end('ok')
      else Readable.from(bytes()).pipe(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const child = fork(
    new URL('../gateway-process.ts', import.meta.url),
    [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    { execArgv: ['--conditions=spandrel-source'] },
  )
  onCleanup(() => {
    child.kill()
    server.closeAllConnections()
    server.close()
  })
  const heard = (): Promise<number> =>
    new Promise((resolve) => child.once('message', (value) => resolve(value as number)))
  const port = await heard()
  return {
    port,
    rss: () => {
      const told = heard()
      child.send('rss')
      return told
    },
  }
}

test('a gigabyte up and a gigabyte down go through in constant memory', { timeout: 240_000 }, async () => {
  const { port, rss } = await start()
  for (let count = 0; count < 50; count++) await ask(`http://127.0.0.1:${port}/x`, { headers: { 'x-small': '1' } })
  const before = await rss()
  let most = before
  let looks = 0
  const look = setInterval(() => void rss().then((now) => ((most = Math.max(most, now)), looks++)), 100)
  const up = httpRequest({ port, host: '127.0.0.1', method: 'PUT', path: '/x', headers: { 'content-type': 'a/b' } })
  const answered = new Promise<string>((resolve, reject) => {
    up.on('error', reject).on('response', (response) => {
      response.setEncoding('utf8').on('data', resolve)
    })
  })
  await pipeline(Readable.from(bytes()), up)
  expect(await answered).toBe(String(size))
  let received = 0
  await new Promise<void>((resolve, reject) => {
    httpRequest({ port, host: '127.0.0.1', path: '/x' }, (response) => {
      response
        .on('data', (chunk: Buffer) => (received += chunk.length))
        .on('end', resolve)
        .on('error', reject)
    })
      .on('error', reject)
      .end()
  })
  clearInterval(look)
  console.log(
    `RSS ${Math.round(before / mebibyte)} MiB before, ${Math.round(most / mebibyte)} MiB at most, ${looks} looks`,
  )
  expect(received).toBe(size)
  expect(looks).toBeGreaterThan(10)
  // What V8 leaves uncollected between two looks; a body that is held would be four times as much.
  expect(most - before).toBeLessThan(256 * mebibyte)
})

test('a thousand idle connections are kept, and the next request is answered', { timeout: 60_000 }, async () => {
  const { port, rss } = await start()
  const before = await rss()
  const clients = Array.from({ length: 1000 }, () => raw(port, 'GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n'))
  await Promise.all(clients.map((client) => client.until((text) => text.includes('not-found'))))
  const after = await rss()
  console.log(`1,000 idle connections: ${Math.round((after - before) / mebibyte)} MiB`)
  expect((await ask(`http://127.0.0.1:${port}/x`, { headers: { 'x-small': '1' } })).text).toBe('ok')
  expect(clients.filter(({ socket }) => socket.destroyed)).toEqual([])
  expect(after - before).toBeLessThan(100 * mebibyte)
})
