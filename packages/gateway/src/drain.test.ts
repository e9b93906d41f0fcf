import { expect, test } from 'vitest'
import { createGateway } from './index.ts'
import { ask, gateway, raw, service, until } from '../test/servers.ts'
import { system } from '../test/system.ts'

const oneOf = (url: string): ReturnType<typeof system> =>
  system({
    one: {
      url,
      operations: { get: { path: '/x' }, post: { method: 'POST', path: '/x', body: { 'application/json': {} } } },
    },
  })

test('close answers what is in flight and takes nothing new', async () => {
  const waiting: (() => void)[] = []
  const one = await service((_request, response) => waiting.push(() => response.end('whole')))
  const { gateway: edge, url, port } = await gateway({ system: oneOf(one.url) })
  const running = Array.from({ length: 20 }, () => ask(`${url}/x`))
  await until(() => waiting.length === 20)
  const closing = edge.close({ deadlineMs: 5000 })
  expect(edge.health().ready).toBe(false)
  await expect(ask(`${url}/x`)).rejects.toThrow(/ECONNREFUSED/)
  for (const end of waiting) end()
  const answers = await Promise.all(running)
  expect(answers.every(({ status, text }) => status === 200 && text === 'whole')).toBe(true)
  expect(answers.every(({ headers }) => headers.connection === 'close')).toBe(true)
  await closing
  expect(edge.health().inFlight).toBe(0)
  await expect(ask(`http://127.0.0.1:${port}/x`)).rejects.toThrow(/ECONNREFUSED/)
})

test('idle connections end at once, a busy one after its answer', async () => {
  const waiting: (() => void)[] = []
  const one = await service((_request, response) => waiting.push(() => response.end('whole')))
  const { gateway: edge, port } = await gateway({ system: oneOf(one.url) })
  const idle = raw(port, 'GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n')
  await idle.until((text) => text.includes('404'))
  const busy = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  await until(() => waiting.length === 1)
  const closing = edge.close({ deadlineMs: 5000 })
  await idle.closed
  expect(busy.received()).toBe('')
  waiting[0]?.()
  const answer = await busy.closed
  expect(answer).toContain('whole')
  expect(answer.toLowerCase()).toContain('connection: close')
  await closing
})

test('an answer whose head had gone before the drain is finished, and its connection ends', async () => {
  let more: (() => void) | undefined
  const one = await service((_request, response) => {
    response.writeHead(200, { 'content-length': 10 })
    response.write('first')
    more = () => response.end('-last')
  })
  const { gateway: edge, port } = await gateway({ system: oneOf(one.url) })
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  await client.until((text) => text.endsWith('first'))
  const closing = edge.close({ deadlineMs: 5000 })
  more?.()
  expect(await client.closed).toContain('first-last')
  await closing
})

test('what is not answered at the deadline is cut', async () => {
  const one = await service(() => {})
  const { gateway: edge, url } = await gateway({ system: oneOf(one.url) })
  const running = ask(`${url}/x`)
  const outcome = running.catch((error: Error) => error.message)
  await until(() => one.seen.length === 1)
  const started = performance.now()
  await edge.close({ deadlineMs: 200 })
  expect(performance.now() - started).toBeLessThan(2000)
  expect(await outcome).toMatch(/hang up|ECONNRESET/)
  expect(edge.health().inFlight).toBe(0)
})

test('close waits for a service that still works for a client that has gone', async () => {
  const waiting: (() => void)[] = []
  const one = await service((request, response) => {
    if (request.method === 'HEAD') response.end()
    else waiting.push(() => response.end())
  })
  const { gateway: edge, port } = await gateway({ system: oneOf(one.url) })
  const client = raw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  await until(() => waiting.length === 1)
  client.socket.destroy()
  let closed = false
  const closing = edge.close({ deadlineMs: 5000 }).then(() => (closed = true))
  // A whole exchange with the service beside it: time enough for a close that does not wait.
  await ask(`${one.url}/elsewhere`, { method: 'HEAD' })
  expect(closed).toBe(false)
  waiting[0]?.()
  await closing
})

test('close is idempotent, also before listen', async () => {
  const one = await service()
  const { gateway: edge } = await gateway({ system: oneOf(one.url) })
  await Promise.all([edge.close(), edge.close()])
  await edge.close()
  const unused = createGateway({ system: oneOf(one.url) })
  await unused.close()
  expect([edge.health().ready, unused.health().ready]).toEqual([false, false])
})

test('drain under load: every request that was taken is answered whole', async () => {
  const one = await service((_request, response) =>
    setTimeout(() => response.end('x'.repeat(20_000)), Math.random() * 20),
  )
  const { gateway: edge, url } = await gateway({ system: oneOf(one.url) })
  let stop = false
  let answered = 0
  const faults: unknown[] = []
  const load = Array.from({ length: 30 }, async () => {
    while (!stop) {
      try {
        const { status, text } = await ask(`${url}/x`)
        if (status === 200 && text.length === 20_000) answered++
        else faults.push(status)
      } catch {
        // Refused, or reset in the kernel's queue before the gateway had it: the counts below tell it from a cut one.
        stop = true
      }
    }
  })
  await until(() => answered > 100)
  await edge.close({ deadlineMs: 5000 })
  await Promise.all(load)
  expect(stop).toBe(true)
  expect(faults).toEqual([])
  expect(one.seen).toHaveLength(answered)
  expect(edge.metrics()).toContain(
    `spandrel_gateway_requests_total{service="one",operation="get",status="200"} ${answered}`,
  )
})
