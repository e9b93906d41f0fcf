import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../../cli/src/embedded/index.ts'
import { bookings } from '../../test/bookings-contract.ts'
import type { Guarantees } from '../contract/service-contract.ts'
import { faults } from '../faults/test-build.ts'
import type { JournalEntry } from '../inbox/journal.ts'
import { verifyCaller } from '../operations/caller-signature.ts'
import { problem } from '../operations/problem.ts'
import { type CallContext, type Caller, type CallerOptions, createCaller } from './call.ts'
import { CallError } from './call-error.ts'
import { inTransaction } from './in-transaction.ts'

interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

interface Provider {
  caller: Caller
  seen: Seen[]
  journal: JournalEntry[]
}

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** A provider that answers each request in turn by one of `answers`, the last one for ever. */
async function provider(
  answers: ((response: ServerResponse) => void)[],
  options: CallerOptions = {},
  guarantees: Partial<Guarantees> = {},
): Promise<Provider> {
  const seen: Seen[] = []
  const journal: JournalEntry[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
      answers[Math.min(seen.length, answers.length) - 1]?.(response)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const contract = bookings({ prices: `http://127.0.0.1:${port}`, uses: guarantees })
  const caller = createCaller(contract, { journal: (entry) => journal.push(entry), ...options })
  return { caller, seen, journal }
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
const hang = (): void => {}
const drop = (response: ServerResponse): void => {
  response.destroy()
}

const context: CallContext = { correlationid: 'c-1' }

async function failure(promise: Promise<unknown>): Promise<CallError> {
  const error: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(CallError)
  return error as CallError
}

test('resolves with the declared answer; correlation, trace, caller and remaining time go along', async () => {
  const { caller, seen, journal } = await provider([json(200, { price: 7 })])
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const answer = await caller.call(
    'prices.quote',
    { query: { item: 'a b' } },
    { ...context, traceparent, tracestate: 'v=1', deadline: Date.now() + 5000 },
  )
  expect(answer).toMatchObject({ status: 200, body: { price: 7 } })
  expect(seen[0]).toMatchObject({ method: 'GET', url: '/quote?item=a+b' })
  expect(seen[0]?.headers).toMatchObject({
    'correlation-id': 'c-1',
    tracestate: 'v=1',
    'spandrel-caller': '/test/bookings',
  })
  expect(seen[0]?.headers['traceparent']).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)/)
  expect(Number(seen[0]?.headers['request-timeout'])).toBeLessThanOrEqual(5000)
  expect(journal).toMatchObject([
    { kind: 'call', operation: 'prices.quote', correlationid: 'c-1', detail: { outcome: 'ok', status: 200 } },
  ])
  expect(Date.parse(journal[0]?.detail?.['at'] as string)).toBeLessThanOrEqual(Date.now())
})

test('with a secret, who calls is signed for this request', async () => {
  const { caller, seen } = await provider([json(200, { price: 7 })], { callerSecret: 'secret' })
  await caller.call('prices.quote', { query: { item: 'a b' } }, context)
  const signed = { caller: '/test/bookings', service: 'prices', method: 'GET', target: seen[0]?.url ?? '' }
  expect(verifyCaller('secret', signed, String(seen[0]?.headers['spandrel-caller-signature']))).toBe(true)
})

test('a declared refusal is an answer; an undeclared one is an error with status and body', async () => {
  const { caller } = await provider([json(404, { why: 'unknown' }), json(418, { why: 'teapot' })])
  expect(await caller.call('prices.quote', { query: { item: 'x' } }, context)).toMatchObject({ status: 404 })
  const error = await failure(caller.call('prices.quote', { query: { item: 'x' } }, context))
  expect(error).toMatchObject({
    code: 'call-failed',
    reason: 'answered',
    status: 418,
    body: { why: 'teapot' },
    tries: 1,
  })
})

describe('retries', () => {
  test('as often as the contract says, with the same key', async () => {
    const { caller, seen } = await provider([json(503, {}), drop, json(201, { reservation: 'r' })])
    expect(await caller.call('prices.reserve', { body: { item: 'x' } }, context)).toMatchObject({ status: 201 })
    const keys = seen.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/\S{20}/)
  })

  test('end after the attempts of the contract', async () => {
    const { caller, seen } = await provider([json(503, {})])
    expect(await failure(caller.call('prices.reserve', { body: { item: 'x' } }, context))).toMatchObject({
      status: 503,
      tries: 4,
    })
    expect(seen).toHaveLength(4)
  })

  test('none where the contract has no `retry`, or where a second try might be a second effect', async () => {
    const none = await provider([json(503, {})], {}, { retry: 'none' })
    await failure(none.caller.call('prices.reserve', { body: { item: 'x' } }, context))
    expect(none.seen).toHaveLength(1)
    const unsafe = await provider([drop], {}, { idempotency: 'none' })
    const input = { headers: { 'idempotency-key': 'k' }, body: { item: 'x' } }
    expect(await failure(unsafe.caller.call('prices.reserve', input, context))).toMatchObject({
      reason: 'unreachable',
      tries: 1,
    })
    expect(unsafe.seen).toHaveLength(1)
  })

  test('of a provider that was never reached are safe for everybody', async () => {
    const contract = bookings({ prices: `http://127.0.0.1:${await freePort()}`, uses: { idempotency: 'none' } })
    const caller = createCaller(contract)
    const input = { headers: { 'idempotency-key': 'k' }, body: { item: 'x' } }
    expect(await failure(caller.call('prices.reserve', input, context))).toMatchObject({
      reason: 'unreachable',
      tries: 4,
    })
  })

  test('only of the statuses that the contract names', async () => {
    const retry = { attempts: 3, backoff: 'fixed' as const, delayMs: 1, maxDelayMs: 1, on: ['5XX', 429] }
    const { caller, seen } = await provider([json(500, {}), json(429, {}), json(408, {})], {}, { retry })
    await failure(caller.call('prices.quote', { query: { item: 'x' } }, context))
    expect(seen).toHaveLength(3)
    const other = await provider([json(408, {})], {}, { retry })
    await failure(other.caller.call('prices.quote', { query: { item: 'x' } }, context))
    expect(other.seen).toHaveLength(1)
  })

  test('an overlap at the provider is worth asking again; its Retry-After is honoured', async () => {
    const overlap = problem('overlap', 'still running', { headers: { 'retry-after': '1' } })
    const { caller, seen } = await provider([
      (response) => response.writeHead(overlap.status, overlap.headers).end(overlap.body),
      json(201, { reservation: 'r' }),
    ])
    const startedAt = performance.now()
    expect(await caller.call('prices.reserve', { body: { item: 'x' } }, context)).toMatchObject({ status: 201 })
    expect(performance.now() - startedAt).toBeGreaterThan(990)
    expect(seen).toHaveLength(2)
  })
})

describe('deadlines', () => {
  test('a provider that does not answer is given up at its `timeout`, also in the middle of its body', async () => {
    const guarantees: Partial<Guarantees> = { timeoutMs: 100, retry: 'none' }
    const { caller } = await provider([hang], {}, guarantees)
    const startedAt = performance.now()
    expect(await failure(caller.call('prices.quote', { query: { item: 'x' } }, context))).toMatchObject({
      code: 'timeout',
      reason: 'timeout',
    })
    expect(performance.now() - startedAt).toBeLessThan(1500)
    const half = await provider(
      [(response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{')],
      {},
      guarantees,
    )
    expect(await failure(half.caller.call('prices.quote', { query: { item: 'x' } }, context))).toMatchObject({
      reason: 'timeout',
    })
  })

  test('what is left of the incoming request bounds all tries together', async () => {
    const { caller, seen } = await provider(
      [hang],
      {},
      { retry: { attempts: 10, backoff: 'fixed', delayMs: 1, maxDelayMs: 1 }, timeoutMs: 10_000 },
    )
    const startedAt = performance.now()
    expect(
      await failure(caller.call('prices.quote', { query: { item: 'x' } }, { ...context, deadline: Date.now() + 200 })),
    ).toMatchObject({ reason: 'timeout' })
    expect(performance.now() - startedAt).toBeLessThan(1500)
    expect(seen).toHaveLength(1)
    expect(
      await failure(caller.call('prices.quote', { query: { item: 'x' } }, { ...context, deadline: Date.now() - 1 })),
    ).toMatchObject({ reason: 'timeout' })
    expect(seen).toHaveLength(1)
  })

  test('an answer that is too large, or not what it says, is unreadable', async () => {
    const large = await provider([json(200, { price: 'x'.repeat(5000) })], { maxAnswerBytes: 1000 })
    expect(await failure(large.caller.call('prices.quote', { query: { item: 'x' } }, context))).toMatchObject({
      reason: 'unreadable',
    })
    const broken = await provider([
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
    ])
    expect(await failure(broken.caller.call('prices.quote', { query: { item: 'x' } }, context))).toMatchObject({
      reason: 'unreadable',
    })
  })
})

describe('the breaker', () => {
  test('opens for a provider that is down, refuses without asking, and closes after a probe that succeeds', async () => {
    const down = [0, 1, 2].map(() => json(503, {}))
    const { caller, seen } = await provider(
      [...down, json(200, { price: 1 })],
      { breaker: { failures: 3, coolDownMs: 150 } },
      { retry: 'none' },
    )
    const ask = () => caller.call('prices.quote', { query: { item: 'x' } }, context)
    for (let index = 0; index < 3; index++) await failure(ask())
    const refused = await failure(ask())
    expect(refused).toMatchObject({ reason: 'breaker-open', tries: 0 })
    expect(refused.retryAfterMs).toBeGreaterThan(0)
    expect(seen).toHaveLength(3)
    expect(caller.breakers().get('prices')).toBe('open')
    await expect.poll(() => caller.breakers().get('prices')).toBe('half-open')
    expect(await ask()).toMatchObject({ status: 200 })
    expect(caller.breakers().get('prices')).toBe('closed')
  })

  test('stays closed for refusals: the provider is there', async () => {
    const { caller, seen } = await provider([json(400, {})], { breaker: { failures: 2 } })
    for (let index = 0; index < 5; index++)
      await failure(caller.call('prices.quote', { query: { item: 'x' } }, context))
    expect(seen).toHaveLength(5)
  })
})

describe('keys', () => {
  const reserve = { body: { item: 'x' } }

  test('of one piece of work are the same in every attempt of it, and others for everything else', async () => {
    const { caller, seen } = await provider([json(201, {})])
    const work = async (seed: string): Promise<void> => {
      const call = caller.within({ ...context, seed })
      await call('prices.reserve', reserve)
      await call('prices.reserve', reserve)
      await call('prices.reserve', { body: { item: 'y' } })
    }
    await work('first')
    await work('first')
    await work('second')
    const keys = seen.map(({ headers }) => headers['idempotency-key'])
    expect(keys.slice(0, 3)).toEqual(keys.slice(3, 6))
    expect(new Set(keys).size).toBe(6)
  })

  test('that the work has are passed on as they are', async () => {
    const { caller, seen } = await provider([json(201, {})])
    await caller.call('prices.reserve', reserve, { ...context, key: 'the-key' })
    expect(seen[0]?.headers['idempotency-key']).toBe('the-key')
  })

  test('the mutant keys-off sends a fresh one with each try', async () => {
    const { caller, seen } = await provider([json(503, {}), json(503, {}), json(201, {})])
    const mutant = vi.spyOn(faults, 'mutant').mockImplementation((name) => name === 'keys-off')
    await caller.call('prices.reserve', reserve, context)
    mutant.mockRestore()
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(3)
  })
})

test('inside a transaction no call is made', async () => {
  const { caller, seen } = await provider([json(200, { price: 7 })])
  const call = inTransaction('book', () => caller.call('prices.quote', { query: { item: 'x' } }, context))
  await expect(call).rejects.toMatchObject({ code: 'call-in-transaction' })
  const later = inTransaction('book', async () => {
    await Promise.resolve()
    return caller.call('prices.quote', { query: { item: 'x' } }, context)
  })
  await expect(later).rejects.toMatchObject({ code: 'call-in-transaction' })
  expect(seen).toHaveLength(0)
})

test('an unknown ref and a missing parameter say so', async () => {
  const { caller } = await provider([json(200, {})])
  await expect(caller.call('prices.nothing', {}, context)).rejects.toMatchObject({ code: 'wrong-configuration' })
  await expect(caller.call('prices.quote', {}, context)).rejects.toMatchObject({ code: 'contract-violation' })
})
