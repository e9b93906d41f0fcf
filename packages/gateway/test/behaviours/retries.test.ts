import { request as httpRequest } from 'node:http'
import type { Guarantees, RetryGuarantee } from '@spandrel/contract'
import { expect, test } from 'vitest'
import { key, system } from '../system.ts'
import {
  ask,
  closedPort,
  gateway,
  post,
  rawService,
  service,
  type TestGateway,
  type TestService,
  until,
} from '../servers.ts'

const fast: RetryGuarantee = { attempts: 3, backoff: 'fixed', delayMs: 2, maxDelayMs: 10 }

function before(
  urls: string | string[],
  retry: 'none' | Partial<RetryGuarantee> = {},
  guarantees: Partial<Guarantees> = {},
  options: object = {},
): Promise<TestGateway> {
  const all = { retry: retry === 'none' ? retry : { ...fast, ...retry }, ...guarantees }
  const body = { 'application/json': {} }
  return gateway({
    system: system({
      one: {
        operations: {
          get: { path: '/x', guarantees: all },
          post: { method: 'POST', path: '/x', body, guarantees: all },
          keyed: { method: 'POST', path: '/keyed', body, guarantees: { ...all, idempotency: key } },
          stream: { method: 'PUT', path: '/x', body: { '*/*': undefined }, guarantees: all },
        },
      },
    }),
    upstreams: { one: urls },
    ...options,
  })
}

/** Answers with these statuses, in this order; then with 200. */
function answering(statuses: number[], headers: Record<string, string> = {}): Promise<TestService> {
  return service((_request, response, { body }) => {
    const status = statuses.shift()
    if (status === undefined)
      response.writeHead(200, { 'content-type': 'application/json' }).end(body.length > 0 ? body : '{}')
    else response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(`no: ${status}`)
  })
}

const retries = (why: string, count: number): string =>
  `spandrel_gateway_retries_total{service="one",why="${why}"} ${count}\n`

test('a status that may be retried is asked for again, and the client sees the good answer only', async () => {
  const one = await answering([503, 429])
  const { url, gateway: edge } = await before(one.url)
  expect(await ask(`${url}/x`)).toMatchObject({ status: 200, text: '{}' })
  expect(one.seen).toHaveLength(2 + 1)
  expect(edge.metrics()).toContain(retries('status', 2))
  expect(edge.metrics()).toContain('spandrel_gateway_requests_total{service="one",operation="get",status="200"} 1\n')
})

test('a repeated request is the same request with the same key', async () => {
  const one = await answering([503, 503])
  const { url } = await before(one.url)
  expect((await post(`${url}/keyed`, { a: 1 }, { 'idempotency-key': 'k' })).text).toBe('{"a":1}')
  expect(one.seen.map(({ headers, body }) => [headers['idempotency-key'], body.toString()])).toEqual(
    Array.from({ length: 3 }, () => ['k', '{"a":1}']),
  )
})

test('a request whose copy is not harmless is not repeated, whatever `retry` says', async () => {
  const one = await answering([503])
  const { url, gateway: edge } = await before(one.url)
  expect(await post(`${url}/x`, {})).toMatchObject({ status: 503, text: 'no: 503' })
  expect(one.seen).toHaveLength(1)
  expect(edge.metrics()).not.toContain('retries_total')
})

test('a status that `on` does not name is passed on', async () => {
  const one = await answering([503, 500, 502])
  const { url } = await before(one.url, { on: [500, '4XX'] })
  expect((await ask(`${url}/x`)).status).toBe(503)
  expect((await ask(`${url}/x`)).status).toBe(502)
  expect(one.seen).toHaveLength(3)
})

test('the last of all attempts is passed on as it is', async () => {
  const one = await answering([503, 503, 503, 503], { 'retry-after': '0' })
  const { url } = await before(one.url)
  const answer = await ask(`${url}/x`)
  expect(answer).toMatchObject({ status: 503, text: 'no: 503' })
  expect(answer.headers['retry-after']).toBe('0')
  expect(one.seen).toHaveLength(3)
})

test('`retry: none` is one attempt, where a broken exchange would be tried once more', async () => {
  let requests = 0
  const one = await rawService((socket) => socket.on('data', () => (requests++, socket.destroy())))
  const { url } = await before(one.url, 'none')
  expect((await ask(`${url}/x`)).status).toBe(502)
  expect(requests).toBe(1)
})

test('a broken exchange is tried as often as `retry` says', async () => {
  let requests = 0
  const one = await rawService((socket) =>
    socket.on('data', () => {
      if (++requests < 4) socket.destroy()
      else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    }),
  )
  const { url, gateway: edge } = await before(one.url, { attempts: 4 })
  expect((await ask(`${url}/x`)).text).toBe('ok')
  expect(edge.metrics()).toContain(retries('broken', 3))
})

test('a service that nobody reaches is asked again after a pause: nothing was sent, so any method may', async () => {
  const port = await closedPort()
  const { url, gateway: edge } = await before(`http://127.0.0.1:${port}`, {
    attempts: 9,
    delayMs: 500,
    maxDelayMs: 500,
  })
  const answered = post(`${url}/x`, { a: 1 })
  await until(() => edge.metrics().includes('kind="connect"'))
  const one = await service(undefined, { port })
  expect((await answered).status).toBe(200)
  expect(one.seen).toHaveLength(1)
  expect(edge.metrics()).toContain('spandrel_gateway_retries_total{service="one",why="refused"}')
})

test('`Retry-After` is waited for', async () => {
  const one = await answering([503], { 'retry-after': '1' })
  const { url } = await before(one.url)
  const started = performance.now()
  expect((await ask(`${url}/x`)).status).toBe(200)
  expect(performance.now() - started).toBeGreaterThanOrEqual(990)
  expect(one.seen).toHaveLength(2)
})

test('a `Retry-After` beyond the time of the request is the client’s to wait for', async () => {
  const one = await answering([503], { 'retry-after': '5' })
  const { url } = await before(one.url, {}, { timeoutMs: 3000 })
  const started = performance.now()
  const answer = await ask(`${url}/x`)
  expect(performance.now() - started).toBeLessThan(2000)
  expect(answer).toMatchObject({ status: 503, text: 'no: 503' })
  expect(answer.headers['retry-after']).toBe('5')
  expect(one.seen).toHaveLength(1)
})

test('all attempts share the time of the request, and each tells the service what is left of it', async () => {
  const one = await answering([503, 503, 503, 503], { 'retry-after': '1' })
  const { url } = await before(one.url, { attempts: 9 }, { timeoutMs: 2900 })
  const started = performance.now()
  expect(await ask(`${url}/x`)).toMatchObject({ status: 503, text: 'no: 503' })
  expect(performance.now() - started).toBeLessThan(2900)
  const told = one.seen.map(({ headers }) => Number(headers['request-timeout']))
  expect(told.length).toBeGreaterThan(1)
  for (const [index, ms] of told.slice(1).entries()) expect(ms).toBeLessThanOrEqual((told[index] as number) - 900)
})

test('a streamed body is gone and is not sent again', async () => {
  const one = await answering([503])
  const { url } = await before(one.url)
  const answer = await ask(`${url}/x`, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'once' })
  expect(answer.status).toBe(503)
  expect(one.seen.map(({ body }) => body.toString())).toEqual(['once'])
})

test('an answer that has begun is not asked for again', async () => {
  let requests = 0
  const one = await rawService((socket) =>
    socket.on('data', () => (requests++, socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))),
  )
  const { url } = await before(one.url)
  await expect(ask(`${url}/x`)).rejects.toThrow(/aborted|hang up/)
  expect(requests).toBe(1)
})

test('a client that goes in the pause ends it: no further attempt', async () => {
  const one = await answering([503], { 'retry-after': '20' })
  const { url, gateway: edge } = await before(one.url)
  const client = httpRequest(`${url}/x`, { agent: false }).on('error', () => {})
  client.end()
  await until(() => edge.metrics().includes('retries_total'))
  const started = performance.now()
  client.destroy()
  await until(() => edge.health().inFlight === 0)
  expect(performance.now() - started).toBeLessThan(5000)
  expect(one.seen).toHaveLength(1)
})

test('retries are a fifth of the traffic at most, and ten that are saved up', async () => {
  const one = await service((_request, response) => response.writeHead(503).end())
  const { url, gateway: edge } = await before(one.url, { delayMs: 0 }, {}, { breaker: false })
  for (let count = 0; count < 100; count++) expect((await ask(`${url}/x`)).status).toBe(503)
  const repeated = one.seen.length - 100
  expect(repeated).toBeLessThanOrEqual(10 + 100 / 5)
  expect(repeated).toBeGreaterThan(25)
  expect(edge.metrics()).toContain(retries('status', repeated))
  expect(edge.metrics()).toMatch(/spandrel_gateway_retries_withheld_total\{service="one"\} [1-9]/)
})

test('an answer that is not passed on is read to its end: its connection is used again', async () => {
  const one = await answering([503, 503])
  const { url } = await before(one.url, { delayMs: 100, maxDelayMs: 100 })
  expect((await ask(`${url}/x`)).status).toBe(200)
  expect(one.seen).toHaveLength(3)
  expect(one.connections()).toBe(1)
})

test('an answer that is not passed on, and never ends, holds nobody up', async () => {
  const one = await service((_request, response) => {
    if (one.seen.length > 1) response.end('ok')
    else response.writeHead(503, { 'content-type': 'text/plain' }).write('never ends')
  })
  const { url } = await before(one.url)
  expect(await ask(`${url}/x`)).toMatchObject({ status: 200, text: 'ok' })
  expect(one.seen).toHaveLength(2)
})

test('an answer that is not passed on, and is large, is cut off at once', async () => {
  const order: string[] = []
  const one = await service((_request, response) => {
    order.push('request')
    if (one.seen.length > 1) return response.end('ok')
    response.writeHead(503, { 'retry-after': '1' })
    const more = (): unknown => response.write('x'.repeat(100_000)) && setImmediate(more)
    response.on('drain', more).on('close', () => order.push('cut'))
    return more()
  })
  const { url } = await before(one.url)
  expect(await ask(`${url}/x`)).toMatchObject({ status: 200, text: 'ok' })
  expect(order).toEqual(['request', 'cut', 'request'])
})

test('the pauses have full jitter and grow as the contract says; the log has them', async () => {
  const lines: { why?: string; waitMs?: number }[] = []
  const silent = (): void => {}
  const logger = { debug: silent, warn: silent, error: silent, info: (line: object) => void lines.push(line) }
  const one = await service((_request, response) => response.writeHead(503).end())
  const retry = { attempts: 4, backoff: 'exponential', delayMs: 16, maxDelayMs: 40 } as const
  const { url } = await before(one.url, retry, {}, { logger, breaker: false })
  for (let count = 0; count < 3; count++) await ask(`${url}/x`)
  const waits = lines.filter(({ why }) => why === 'status').map(({ waitMs }) => waitMs ?? -1)
  expect(waits).toHaveLength(9)
  for (const [index, wait] of waits.entries()) {
    expect(wait).toBeGreaterThanOrEqual(0)
    expect(wait).toBeLessThanOrEqual([16, 32, 40][index % 3] as number)
  }
  expect(new Set(waits).size).toBeGreaterThan(2)
})

test('a further attempt goes to another instance first', async () => {
  const good = await service()
  // The turn is back at this one when it fails.
  const bad = await service(async (_request, response) => {
    await until(() => good.seen.length === 1)
    response.writeHead(503).end()
  })
  const { url } = await before([bad.url, good.url], { attempts: 2 })
  const first = ask(`${url}/x`)
  await until(() => bad.seen.length === 1)
  expect((await ask(`${url}/x`)).status).toBe(200)
  expect((await first).status).toBe(200)
  expect([bad.seen.length, good.seen.length]).toEqual([1, 2])
})
