import { expect, test } from 'vitest'
import type { GatewayOptions } from '../../src/index.ts'
import {
  ask,
  closedPort,
  gateway,
  onCleanup,
  post,
  raw,
  rawService,
  service,
  type TestGateway,
  until,
} from '../servers.ts'
import { system } from '../system.ts'

const timeoutMs = 2000

function before(
  urls: string | string[],
  options: Partial<GatewayOptions> = {},
  within = timeoutMs,
): Promise<TestGateway> {
  const guarantees = { retry: 'none', timeoutMs: within } as const
  return gateway({
    system: systemOf(guarantees),
    ...options,
    upstreams: { one: urls, ...options.upstreams },
  })
}

function systemOf(guarantees: object, two = 'http://127.0.0.1:1'): GatewayOptions['system'] {
  return system({
    one: {
      operations: {
        get: { path: '/x', guarantees },
        post: { method: 'POST', path: '/x', body: { 'application/json': {} }, guarantees },
        stream: { method: 'PUT', path: '/x', body: { '*/*': undefined }, guarantees },
        chat: { path: '/ws', answers: { '101': 'text/plain' }, guarantees },
      },
    },
    two: { url: two, operations: { other: { path: '/two', guarantees } } },
  })
}

const state = ({ gateway: edge }: TestGateway, index = 0): unknown => edge.health().services['one']?.[index]?.breaker
/** Longer than any test: what is open stays so. */
const long = { coolDownMs: 60_000, maxCoolDownMs: 60_000 }

/** Answers with this status until told otherwise; `pause`: and asks for one. */
async function answering(first: number) {
  const tells = { status: first, pause: false }
  const one = await service((_request, response) => {
    response.writeHead(tells.status, tells.pause ? { 'retry-after': '1' } : {}).end('{}')
  })
  return { ...one, tells }
}

const opened = ({ gateway: edge }: TestGateway): number =>
  Number(/breaker_changes_total\{service="one",instance="[^"]+",state="open"\} (\d+)/.exec(edge.metrics())?.[1] ?? 0)

/** The head of a request that announces a body and sends half of it. */
const half = 'PUT /x HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\nhalf'

async function times(count: number, request: () => Promise<{ status: number }>): Promise<number[]> {
  const statuses: number[] = []
  for (let index = 0; index < count; index++) statuses.push((await request()).status)
  return statuses
}

test('an instance that takes no connection five times in a row is left alone; other services are not', async () => {
  const two = await service()
  const edge = await before(`http://127.0.0.1:${await closedPort()}`, { breaker: long, upstreams: { two: two.url } })
  const failures = 'spandrel_gateway_service_failures_total{service="one",kind="connect"} 5\n'
  expect(await times(5, () => post(`${edge.url}/x`, {}))).toEqual([503, 503, 503, 503, 503])
  expect(state(edge)).toBe('open')
  expect(edge.gateway.metrics()).toContain(failures)
  const refused = await post(`${edge.url}/x`, {})
  expect(refused.status).toBe(503)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(40)
  expect(refused.json()).toMatchObject({
    type: 'https://spandrel.dev/problems/service-unreachable',
    detail:
      'one failed too often just before and is left alone for a moment; the request was not sent and may be sent again.',
  })
  expect(edge.gateway.metrics()).toContain(failures)
  expect(edge.gateway.metrics()).toContain('spandrel_gateway_breaker_refusals_total{service="one"} 1\n')
  expect(edge.gateway.metrics()).toMatch(/spandrel_gateway_breaker_open\{service="one",instance="[^"]+"\} 1\n/)
  expect(edge.gateway.metrics()).toMatch(/spandrel_gateway_breaker_open\{service="two",instance="[^"]+"\} 0\n/)
  expect(await times(3, () => ask(`${edge.url}/two`))).toEqual([200, 200, 200])
})

test('it is probed, and asked again as soon as it answers; the log says so', async () => {
  const states: unknown[] = []
  const note = (fields: object): void =>
    void ('state' in fields && states.push('last' in fields ? [fields.state, fields.last] : fields.state))
  const logger = { debug: note, info: note, warn: note, error: note }
  const port = await closedPort()
  const breaker = { coolDownMs: 1500, maxCoolDownMs: 1500 }
  const edge = await before(`http://127.0.0.1:${port}`, { breaker, logger })
  await times(5, () => ask(`${edge.url}/x`))
  const one = await service(undefined, { port })
  expect((await ask(`${edge.url}/x`)).status).toBe(503)
  expect(one.seen).toHaveLength(0)
  await until(() => state(edge) === 'half-open')
  expect(await times(3, () => ask(`${edge.url}/x`))).toEqual([200, 200, 200])
  const why = expect.stringContaining('ECONNREFUSED')
  expect([state(edge), states]).toEqual(['closed', [['open', why], 'half-open', 'closed']])
})

test('there is one probe at a time: the others are refused until it has ended', async () => {
  const answers: (() => void)[] = []
  let failing = true
  const one = await service((_request, response) => {
    if (failing) response.writeHead(503).end()
    else answers.push(() => response.end('ok'))
  })
  const edge = await before(one.url, { breaker: { failures: 2, coolDownMs: 2000, maxCoolDownMs: 2000 } }, 30_000)
  await times(2, () => ask(`${edge.url}/x`))
  failing = false
  await until(() => state(edge) === 'half-open')
  const probe = ask(`${edge.url}/x`)
  await until(() => answers.length === 1)
  const others = await Promise.all(Array.from({ length: 10 }, () => ask(`${edge.url}/x`)))
  expect(others.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 503))
  expect(one.seen).toHaveLength(3)
  answers[0]?.()
  expect((await probe).status).toBe(200)
  expect(state(edge)).toBe('closed')
})

test('a probe that fails keeps it open', async () => {
  const one = await answering(503)
  const edge = await before(one.url, { breaker: { coolDownMs: 100, maxCoolDownMs: 200 } })
  await times(5, () => ask(`${edge.url}/x`))
  await until(() => state(edge) === 'half-open')
  await ask(`${edge.url}/x`)
  expect([one.seen.length, opened(edge)]).toEqual([6, 2])
  expect(edge.gateway.health().services['one']?.[0]?.lastError?.message).toBe('Error: it answered with 503')
})

test('a service whose answers take longer than a cool-down is found to be up all the same', async () => {
  const answers: (() => void)[] = []
  let failing = true
  const one = await service((_request, response) => {
    if (failing) response.writeHead(503).end()
    else answers.push(() => response.end('ok'))
  })
  const edge = await before(one.url, { breaker: { failures: 2, coolDownMs: 50, maxCoolDownMs: 50 } }, 30_000)
  await times(2, () => ask(`${edge.url}/x`))
  failing = false
  await until(() => state(edge) === 'half-open')
  const slow = ask(`${edge.url}/x`)
  await until(() => answers.length === 1)
  // Others are refused, until the first that is let in as a second probe.
  const second = (async () => {
    for (;;) {
      const answer = await ask(`${edge.url}/x`)
      if (answer.status !== 503) return answer
    }
  })()
  await until(() => answers.length === 2)
  answers[0]?.()
  expect((await slow).status).toBe(200)
  expect(state(edge)).toBe('closed')
  answers[1]?.()
  expect((await second).status).toBe(200)
})

test('a client that leaves takes its probe with it: the next request is one', async () => {
  const one = await answering(503)
  const edge = await before(one.url, { breaker: { coolDownMs: 1500, maxCoolDownMs: 1500 } }, 30_000)
  await times(5, () => ask(`${edge.url}/x`))
  one.tells.status = 200
  await until(() => state(edge) === 'half-open')
  const client = raw(edge.port, half)
  await until(() => edge.gateway.health().inFlight === 1)
  client.socket.destroy()
  await until(() => edge.gateway.health().inFlight === 0)
  expect(await times(2, () => ask(`${edge.url}/x`))).toEqual([200, 200])
})

test('a probe that sends an order and breaks off does so once, and is not tried again', async () => {
  let asked = 0
  const breaking = await rawService((socket) => socket.on('data', () => (asked++, socket.destroy())))
  const edge = await gateway({
    system: systemOf({ timeoutMs }),
    breaker: { coolDownMs: 100, maxCoolDownMs: 200 },
    upstreams: { one: breaking.url },
  })
  await times(5, () => post(`${edge.url}/x`, {}))
  await until(() => state(edge) === 'half-open')
  expect((await post(`${edge.url}/x`, {})).status).toBe(502)
  expect(asked).toBe(6)
  // A copy of this one would be harmless, but there is nobody to take it.
  await until(() => state(edge) === 'half-open')
  expect((await ask(`${edge.url}/x`)).status).toBe(502)
  expect([asked, opened(edge)]).toEqual([7, 3])
})

test('a stream of events and a WebSocket close it when they begin, not when they end', async () => {
  let failing = true
  const one = await service((_request, response) => {
    if (failing) response.writeHead(503).end()
    else response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  })
  one.server.on('upgrade', (_request, socket) => {
    onCleanup(() => socket.destroy())
    const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    )
  })
  const handshake =
    'GET /ws HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  for (const [bytes, answer] of [
    ['GET /x HTTP/1.1\r\nhost: a\r\n\r\n', 'data: 1'],
    [handshake, ' 101 '],
  ] as const) {
    failing = true
    const edge = await before(one.url, { breaker: { coolDownMs: 100, maxCoolDownMs: 100 } })
    await times(5, () => ask(`${edge.url}/x`))
    failing = false
    await until(() => state(edge) === 'half-open')
    const client = raw(edge.port, bytes)
    await client.until((text) => text.includes(answer))
    expect(state(edge)).toBe('closed')
    client.socket.destroy()
  }
})

test('the other instances take the traffic of one that is left alone', async () => {
  const bad = await answering(503)
  const good = await service()
  const edge = await before([bad.url, good.url], { breaker: { ...long, failures: 3 } })
  const statuses = await times(20, () => ask(`${edge.url}/x`))
  expect([state(edge, 0), state(edge, 1)]).toEqual(['open', 'closed'])
  expect(bad.seen).toHaveLength(3)
  expect(statuses.filter((status) => status === 200)).toHaveLength(17)
})

test('broken exchanges and time-outs count', async () => {
  let asked = 0
  const breaking = await rawService((socket) => socket.on('data', () => (asked++, socket.destroy())))
  const breaks = await before(breaking.url, { breaker: long })
  await times(6, () => post(`${breaks.url}/x`, {}))
  expect([state(breaks), asked]).toEqual(['open', 5])
  const silent = await service(() => {})
  const hangs = await before(silent.url, { breaker: { ...long, failures: 2 } }, 100)
  // On a busy machine half of the time may be over before the service has the request: such an attempt does not count.
  for (let count = 0; count < 20 && state(hangs) === 'closed'; count++) {
    expect((await ask(`${hangs.url}/x`)).status).toBe(504)
  }
  const { length } = silent.seen
  expect(length).toBeGreaterThanOrEqual(2)
  expect((await ask(`${hangs.url}/x`)).status).toBe(503)
  expect([state(hangs), silent.seen.length]).toEqual(['open', length])
})

test('half of twenty attempts opens it, whatever comes between', async () => {
  let count = 0
  const one = await service((_request, response) => response.writeHead(count++ % 2 === 0 ? 200 : 504).end())
  const edge = await before(one.url, { breaker: long })
  await times(19, () => ask(`${edge.url}/x`))
  expect(state(edge)).toBe('closed')
  await times(3, () => ask(`${edge.url}/x`))
  expect([state(edge), one.seen.length]).toEqual(['open', 20])
})

test('a service that sheds load (503 with Retry-After) is asked on: it takes what it can', async () => {
  let count = 0
  const one = await service((_request, response) => {
    response.writeHead(count++ % 4 === 0 ? 200 : 503, { 'retry-after': '1' }).end()
  })
  const edge = await before(one.url, { breaker: long })
  const statuses = await times(40, () => ask(`${edge.url}/x`))
  expect([state(edge), statuses.filter((status) => status === 200).length, opened(edge)]).toEqual(['closed', 10, 0])
})

test('where an instance only sheds load, the others are asked first', async () => {
  const bad = await answering(503)
  bad.tells.pause = true
  const good = await service()
  const edge = await before([bad.url, good.url], { breaker: long })
  await times(60, () => ask(`${edge.url}/x`))
  expect([state(edge, 0), state(edge, 1)]).toEqual(['closed', 'closed'])
  // Five in turn; then one whenever its rest is over.
  expect(bad.seen.length).toBeGreaterThanOrEqual(5)
  expect(bad.seen.length).toBeLessThan(20)
})

test('a probe that is asked for a pause keeps it open', async () => {
  const one = await answering(503)
  const edge = await before(one.url, { breaker: { coolDownMs: 100, maxCoolDownMs: 100 } })
  await times(5, () => ask(`${edge.url}/x`))
  one.tells.pause = true
  await until(() => state(edge) === 'half-open')
  expect((await ask(`${edge.url}/x`)).headers['retry-after']).toBe('1')
  expect([one.seen.length, opened(edge)]).toEqual([6, 2])
})

test('no connection within the time of the requests counts as soon as it is known', async () => {
  const silent = await rawService()
  const edge = await before(silent.url.replace('http:', 'https:'), { breaker: long, limits: { connectMs: 500 } }, 50)
  expect(await times(5, () => ask(`${edge.url}/x`))).toEqual([504, 504, 504, 504, 504])
  await until(() => state(edge) === 'open')
  expect((await ask(`${edge.url}/x`)).json()['detail']).toContain('left alone')
})

test('a retry that nobody would take is not made: the client gets the service’s own answer', async () => {
  const one = await answering(503)
  const retry = { attempts: 4, backoff: 'fixed', delayMs: 2, maxDelayMs: 10 } as const
  const edge = await gateway({
    system: systemOf({ retry, timeoutMs }),
    breaker: { ...long, failures: 2 },
    upstreams: { one: one.url },
  })
  expect(await ask(`${edge.url}/x`)).toMatchObject({ status: 503, text: '{}' })
  expect([one.seen.length, state(edge)]).toEqual([2, 'open'])
  expect(edge.gateway.metrics()).not.toContain('spandrel_gateway_breaker_refusals_total{')
})

test('clients that leave in the middle of their bodies are no failures of the instance', async () => {
  const one = await service()
  const edge = await before(one.url, { breaker: { ...long, failures: 2 } })
  for (let count = 0; count < 4; count++) {
    const client = raw(edge.port, half)
    await until(() => one.connections() > count && edge.gateway.health().inFlight === 1)
    client.socket.destroy()
    await until(() => edge.gateway.health().inFlight === 0)
  }
  expect([state(edge), one.seen.length]).toEqual(['closed', 0])
  expect((await ask(`${edge.url}/x`)).status).toBe(200)
})

test('a fault of one operation (500) is no fault of the instance', async () => {
  const one = await answering(500)
  const edge = await before(one.url, { breaker: long })
  await times(25, () => ask(`${edge.url}/x`))
  expect([state(edge), one.seen.length]).toEqual(['closed', 25])
})

test('a caller that hardly waits cannot have a service left alone', async () => {
  const one = await service(() => {})
  const edge = await before(one.url, { breaker: long })
  const headers = { 'request-timeout': '20' }
  expect(await times(8, () => ask(`${edge.url}/x`, { headers }))).toEqual(Array.from({ length: 8 }, () => 504))
  expect(state(edge)).toBe('closed')
})

test('a caller that stops in its own body cannot have a service left alone', async () => {
  const one = await service()
  const edge = await before(one.url, { breaker: { ...long, failures: 2 } }, 100)
  for (let count = 0; count < 3; count++) {
    await raw(edge.port, half).until((text) => text.includes(' 504 '))
  }
  expect(state(edge)).toBe('closed')
})

test('an answer that is no HTTP is no reason to leave an instance alone', async () => {
  const one = await rawService((socket) => socket.on('data', () => socket.write('hello\r\n\r\n')))
  const edge = await before(one.url, { breaker: long })
  expect(await times(7, () => ask(`${edge.url}/x`))).toEqual(Array.from({ length: 7 }, () => 502))
  expect(state(edge)).toBe('closed')
})

test('a breaker can be turned off', async () => {
  for (const off of [{ breaker: false }, { system: systemOf({}) }] as const) {
    const one = await answering(503)
    const edge = await before(one.url, 'system' in off ? { system: withoutBreaker(off.system) } : off)
    await times(25, () => ask(`${edge.url}/x`))
    expect([state(edge), one.seen.length]).toEqual(['off', 25])
    expect(edge.gateway.metrics()).not.toContain('spandrel_gateway_breaker')
  }
})

test('a reload keeps what is known of an instance', async () => {
  const one = await answering(503)
  const edge = await before(one.url, { breaker: long })
  await times(5, () => ask(`${edge.url}/x`))
  expect((await edge.gateway.reload(systemOf({}))).loaded).toBe(true)
  expect((await ask(`${edge.url}/x`)).status).toBe(503)
  expect([state(edge), one.seen.length]).toEqual(['open', 5])
})

test('a reload turns it off and on again; an instance at another URL begins closed', async () => {
  const bad = await answering(503)
  const good = await service()
  const edge = await gateway({ system: systemOf({}, bad.url), upstreams: { one: good.url } })
  const two = (): unknown => edge.gateway.health().services['two']?.[0]?.breaker
  await times(5, () => ask(`${edge.url}/two`))
  expect(two()).toBe('open')
  await edge.gateway.reload(withoutBreaker(systemOf({}, bad.url)))
  expect([two(), (await ask(`${edge.url}/two`)).text, bad.seen.length]).toEqual(['off', '{}', 6])
  await edge.gateway.reload(systemOf({}, bad.url))
  expect(two()).not.toMatch('closed|off')
  await edge.gateway.reload(systemOf({}, good.url))
  expect([two(), (await ask(`${edge.url}/two`)).status]).toEqual(['closed', 200])
})

test('what a breaker does not know is an error at start', async () => {
  await expect(before('http://127.0.0.1:1', { breaker: { failure: 3 } as object })).rejects.toThrow(
    /knows no "failure"/,
  )
  for (const [breaker, message] of [
    [{ failures: 0 }, /must be above 0/],
    [{ rate: 50 }, /is a share, up to 1, and is 50/],
    [{ coolDownMs: 10_000 }, /is 10000, more than maxCoolDownMs, which is 5000/],
  ] as const) {
    await expect(before('http://127.0.0.1:1', { breaker })).rejects.toThrow(message)
  }
})

function withoutBreaker(made: GatewayOptions['system']): GatewayOptions['system'] {
  const { location } = made
  return { ...made, gateway: { port: 0, host: '127.0.0.1', location, upstream: { breaker: false } } }
}
