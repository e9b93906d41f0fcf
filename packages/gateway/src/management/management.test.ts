import { expect, test } from 'vitest'
import { ask, closedPort, gateway, post, service, type TestGateway } from '../../test/servers.ts'
import { system } from '../../test/system.ts'

async function before(url: string, options: object = {}): Promise<TestGateway> {
  return gateway({
    system: system({
      one: {
        url,
        operations: {
          get: { path: '/x' },
          post: { method: 'POST', path: '/x', body: { 'application/json': { type: 'object' } } },
        },
      },
    }),
    ...options,
  })
}

test('live and ready are open', async () => {
  const { url } = await before('http://127.0.0.1:1', { managementToken: 'token' })
  expect(await ask(`${url}/.spandrel/live`)).toMatchObject({ status: 200, text: 'live\n' })
  expect(await ask(`${url}/.spandrel/ready`)).toMatchObject({ status: 200, text: 'ready\n' })
  expect((await ask(`${url}/.spandrel/live`, { method: 'HEAD' })).text).toBe('')
})

test('health and metrics need the token', async () => {
  const { url } = await before('http://127.0.0.1:1', { managementToken: 'token' })
  for (const path of ['health', 'metrics']) {
    const none = await ask(`${url}/.spandrel/${path}`)
    expect(none.status).toBe(401)
    expect(none.headers['www-authenticate']).toBe('Bearer realm="management"')
    expect((await ask(`${url}/.spandrel/${path}`, { headers: { authorization: 'Bearer tokem' } })).status).toBe(401)
    expect((await ask(`${url}/.spandrel/${path}`, { headers: { authorization: 'Bearer token' } })).status).toBe(200)
  }
})

test('without a token they are for this machine, and not for a proxy on it', async () => {
  const { url } = await before('http://127.0.0.1:1')
  expect((await ask(`${url}/.spandrel/health`)).status).toBe(200)
  expect((await ask(`${url}/.spandrel/health`, { headers: { 'x-forwarded-for': '10.0.0.1' } })).status).toBe(403)
  expect((await ask(`${url}/.spandrel/metrics`, { headers: { forwarded: 'for=10.0.0.1' } })).status).toBe(403)
})

test('what is not there is not forwarded', async () => {
  const one = await service()
  const { url } = await before(one.url)
  expect((await ask(`${url}/.spandrel/other`)).status).toBe(404)
  expect((await ask(`${url}/.spandrel/`)).status).toBe(404)
  const wrong = await ask(`${url}/.spandrel/live`, { method: 'POST' })
  expect(wrong.status).toBe(405)
  expect(wrong.headers['allow']).toBe('GET, HEAD')
  expect(one.seen).toHaveLength(0)
})

test('health tells of each instance when it last answered and how it failed', async () => {
  const one = await service()
  const dead = `http://127.0.0.1:${await closedPort()}`
  const { url } = await before('http://unused', { upstreams: { one: [one.url, dead] } })
  await ask(`${url}/x`)
  await ask(`${url}/x`)
  const health = (await ask(`${url}/.spandrel/health`)).json()
  expect(health).toMatchObject({
    ready: true,
    inFlight: 0,
    services: {
      one: [
        { url: `${one.url}/`, lastSuccess: expect.any(Number), lastError: null },
        {
          url: `${dead}/`,
          lastSuccess: null,
          lastError: { at: expect.any(Number), message: expect.stringContaining('ECONNREFUSED') },
        },
      ],
    },
  })
})

test('requests are counted by operation and status, with their times', async () => {
  const one = await service()
  const { url } = await before(one.url)
  await ask(`${url}/x`)
  await ask(`${url}/x`)
  await post(`${url}/x`, 5)
  await ask(`${url}/nowhere`)
  const { text, headers } = await ask(`${url}/.spandrel/metrics`)
  expect(headers['content-type']).toContain('text/plain; version=0.0.4')
  expect(text).toContain('spandrel_gateway_requests_total{service="one",operation="get",status="200"} 2')
  expect(text).toContain('spandrel_gateway_requests_total{service="one",operation="post",status="400"} 1')
  expect(text).toContain('spandrel_gateway_requests_total{service="",operation="unknown",status="404"} 1')
  expect(text).toContain('spandrel_gateway_request_duration_seconds_count{service="one",operation="get"} 2')
  expect(text).toContain('spandrel_gateway_request_duration_seconds_bucket{service="one",operation="get",le="+Inf"} 2')
  expect(text).toContain('spandrel_gateway_requests_in_flight 0')
  // Every line is a comment or a sample.
  for (const line of text.trim().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{[^}]*\})? [0-9.e+-]+)$/)
})

test('the access log has a line a request: no query, no bodies', async () => {
  const lines: Record<string, unknown>[] = []
  const silent = (): void => {}
  const logger = {
    debug: silent,
    warn: silent,
    error: silent,
    info: (fields: object, message: string) => void lines.push({ ...fields, message }),
  }
  const one = await service()
  const { url } = await before(one.url, { logger, accessLog: true })
  await ask(`${url}/x?secret=1`, { headers: { 'correlation-id': 'c-1' } })
  expect(lines).toEqual([
    {
      message: 'request',
      method: 'GET',
      path: '/x',
      service: 'one',
      operation: 'get',
      status: 200,
      ms: expect.any(Number),
      correlationId: 'c-1',
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    },
  ])
})
