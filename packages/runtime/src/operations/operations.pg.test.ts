import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../test/postgres.ts'
import { ask, asked, effects } from '../../test/ask.ts'
import { bookingService, prepareBookings } from '../../test/bookings-service.ts'
import { signCaller } from './caller-signature.ts'
import type { Service } from '../service/create-service.ts'

let database: TestDatabase
const services: Service[] = []

beforeAll(async () => {
  database = await testDatabase({ max: 20 })
  await prepareBookings(database.pool)
})

afterEach(async () => {
  for (const service of services.splice(0)) await service.close({ deadlineMs: 1000 })
})

async function serve(options: Parameters<typeof bookingService>[1] = {}): Promise<string> {
  const service = bookingService(database.pool, { options: { logger: quiet }, ...options })
  services.push(service)
  const { url } = await service.listen({ port: 0 })
  return url
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
let number = 0
const fresh = (): string => `item-${++number}`

describe('a keyed operation', () => {
  test('runs in one transaction with what it sends; a copy gets the first answer: status, body, declared headers', async () => {
    const url = await serve()
    const item = fresh()
    const first = await ask(url, '/bookings', { item }, { key: item, headers: { 'correlation-id': 'c-1' } })
    expect(first).toMatchObject({ status: 201, replayed: false })
    expect(first.headers.get('correlation-id')).toBe('c-1')
    const second = await ask(url, '/bookings', { item }, { key: item, headers: { 'correlation-id': 'c-2' } })
    expect(second).toMatchObject({ status: 201, replayed: true, text: first.text })
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(second.headers.get('correlation-id')).toBe('c-2')
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
  })

  test('what it sends carries correlation, cause and trace of the request', async () => {
    const url = await serve()
    const item = fresh()
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    const headers = { 'correlation-id': `c-${item}`, traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: 'v=1' }
    await ask(url, '/bookings', { item }, { key: item, headers })
    const { rows } = await database.pool.query<{ attributes: string }>(
      `select attributes from spandrel.outbox where data::json ->> 'item' = $1`,
      [item],
    )
    const attributes = JSON.parse(rows[0]?.attributes ?? '{}') as Record<string, string>
    expect(attributes).toMatchObject({ correlationid: `c-${item}`, tracestate: 'v=1', partitionkey: item })
    expect(attributes['traceparent']).toContain(trace)
    const journal = await database.pool.query<{ kind: string; message_id: string }>(
      'select kind, message_id from spandrel.journal where correlationid = $1 order by id',
      [`c-${item}`],
    )
    expect(journal.rows.map(({ kind }) => kind)).toEqual(['note', 'answered'])
    expect(journal.rows[1]?.message_id).toBe(attributes['causationid'])
  })

  test('accepts its key bare and as a structured-field string: both spell one key', async () => {
    const url = await serve()
    const item = fresh()
    const first = await ask(url, '/bookings', { item }, { key: item })
    const second = await ask(url, '/bookings', { item }, { key: `"${item}"` })
    const third = await ask(url, '/bookings', { item }, { key: `"${item}";v=1` })
    expect([second, third].map(({ replayed, text }) => [replayed, text])).toEqual([
      [true, first.text],
      [true, first.text],
    ])
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
  })

  test('reads the key where the contract says', async () => {
    const url = await serve({ key: { key: { source: 'request.body', pointer: ['item'] } } })
    const item = fresh()
    await ask(url, '/bookings', { item })
    expect(await ask(url, '/bookings', { item })).toMatchObject({ status: 201, replayed: true })
    const other = await serve({ key: { key: { source: 'request.header', name: 'X-Request-Id' } } })
    const next = fresh()
    await ask(other, '/bookings', { item: next }, { headers: { 'x-request-id': next } })
    expect(await ask(other, '/bookings', { item: next }, { headers: { 'x-request-id': next } })).toMatchObject({
      replayed: true,
    })
  })

  test.each([
    ['no key', undefined, 'key-missing'],
    ['an unfinished quoted string', '"abc', 'key-invalid'],
    ['a key of 256 characters', 'k'.repeat(256), 'key-invalid'],
  ])('refuses %s with 400 and does nothing', async (_, key, problem) => {
    const url = await serve()
    const item = fresh()
    expect(await ask(url, '/bookings', { item }, key === undefined ? {} : { key })).toMatchObject({
      status: 400,
      problem,
    })
    expect(await effects(database.pool, item)).toEqual({ effects: 0, messages: 0 })
  })

  test('an optional key may be absent: then each request is one of its own', async () => {
    const url = await serve({ key: { required: false } })
    const item = fresh()
    await ask(url, '/bookings', { item })
    await ask(url, '/bookings', { item })
    expect(await effects(database.pool, item)).toEqual({ effects: 2, messages: 2 })
  })

  test('FM16: a key names an intent: another payload, path or query under it is refused with 422 and written down', async () => {
    const url = await serve()
    const item = fresh()
    await ask(url, '/bookings', { item }, { key: item, headers: { 'correlation-id': `c-${item}` } })
    expect(await ask(url, '/bookings', { item: `${item}b` }, { key: item })).toMatchObject({
      status: 422,
      problem: 'key-reuse',
    })
    expect(await ask(url, '/bookings?dry=true', { item }, { key: item })).toMatchObject({
      status: 422,
      problem: 'key-reuse',
    })
    expect(await effects(database.pool, `${item}b`)).toEqual({ effects: 0, messages: 0 })
    for (const service of services) await service.close()
    const { rows } = await database.pool.query(
      `select count(*)::int from spandrel.journal where kind = 'key-reuse' and correlationid = $1`,
      [`c-${item}`],
    )
    expect(rows).toEqual([{ count: 2 }])
  })

  test('the order of members and of query parameters is no difference', async () => {
    const url = await serve()
    const item = fresh()
    await ask(url, '/bookings?dry=true&tags=a&tags=b', { item, ms: 1 }, { key: item })
    const body = `{ "ms": 1.0,   "item": "${item}" }`
    const response = await fetch(`${url}/bookings?tags=a&tags=b&dry=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': item },
      body,
    })
    expect(await asked(response)).toMatchObject({ status: 201, replayed: true })
  })

  test('`onMismatch: replay` answers with the first answer, whatever the payload', async () => {
    const url = await serve({ key: { onMismatch: 'replay' } })
    const item = fresh()
    const first = await ask(url, '/bookings', { item }, { key: item })
    expect(await ask(url, '/bookings', { item: 'other' }, { key: item })).toMatchObject({
      status: 201,
      replayed: true,
      text: first.text,
    })
  })

  test('a fingerprint of the contract decides what counts as the same payload', async () => {
    const url = await serve({ key: { fingerprint: { source: 'request.body', pointer: ['item'] } } })
    const item = fresh()
    await ask(url, '/bookings', { item }, { key: item })
    expect(await ask(url, '/bookings', { item, ms: 5 }, { key: item })).toMatchObject({ status: 201, replayed: true })
    expect(await ask(url, '/bookings', { item: `${item}b` }, { key: item })).toMatchObject({ status: 422 })
  })

  test('the same key of another operation is another key', async () => {
    const url = await serve()
    const item = fresh()
    await ask(url, '/bookings', { item }, { key: item })
    expect(await ask(url, '/waiting-bookings', { item }, { key: item })).toMatchObject({ status: 201, replayed: false })
  })
})

describe('scope', () => {
  test('`caller`: a key belongs to who a trusted proxy says; without a caller nothing is done', async () => {
    const url = await serve({ key: { scope: 'caller' }, options: { trustCaller: true } })
    const item = fresh()
    const as = (caller: string) =>
      ask(url, '/bookings', { item }, { key: item, headers: { 'spandrel-caller': caller } })
    const [anna, ben, again] = [await as('anna'), await as('ben'), await as('anna')]
    expect([anna.replayed, ben.replayed, again.replayed]).toEqual([false, false, true])
    expect(again.text).toBe(anna.text)
    expect(await ask(url, '/bookings', { item }, { key: item })).toMatchObject({
      status: 401,
      problem: 'caller-unknown',
    })
  })

  test('`caller`: with a secret, only who is signed with it', async () => {
    const url = await serve({ key: { scope: 'caller' }, options: { callerSecret: 'secret', logger: quiet } })
    const item = fresh()
    const as = (secret: string, target = '/bookings') => {
      const signed = { caller: 'ann', service: 'bookings', method: 'POST', target }
      const headers = { 'spandrel-caller': 'ann', 'spandrel-caller-signature': signCaller(secret, signed) }
      return ask(url, '/bookings', { item }, { key: item, headers })
    }
    expect(await as('forged')).toMatchObject({ status: 401 })
    expect(await as('secret', '/other')).toMatchObject({ status: 401 })
    expect(await ask(url, '/bookings', { item }, { key: item, headers: { 'spandrel-caller': 'ann' } })).toMatchObject({
      status: 401,
    })
    expect(await as('secret')).toMatchObject({ status: 201 })
    const { rows } = await database.pool.query(`select scope from spandrel.keys where key = $1`, [item])
    expect(rows).toEqual([{ scope: 'caller:ann' }])
  })

  test('`caller`: nobody is believed unless the service was told to', async () => {
    const url = await serve({ key: { scope: 'caller' } })
    const headers = { 'spandrel-caller': 'anna' }
    expect(await ask(url, '/bookings', { item: fresh() }, { key: 'k', headers })).toMatchObject({ status: 401 })
  })

  test('`tenant` and `caller` from the service itself; `{ by }` from the request', async () => {
    const identify = () => Promise.resolve({ caller: 'c', tenant: 't-1' })
    const url = await serve({ key: { scope: 'tenant' }, options: { identify } })
    const item = fresh()
    await ask(url, '/bookings', { item }, { key: item })
    const { rows } = await database.pool.query(`select scope from spandrel.keys where key = $1`, [item])
    expect(rows).toEqual([{ scope: 'tenant:t-1' }])
    const by = await serve({ key: { scope: { by: { source: 'request.header', name: 'X-Shop' } } } })
    const other = fresh()
    const shop = (name: string) => ask(by, '/bookings', { item: other }, { key: other, headers: { 'x-shop': name } })
    expect([(await shop('a')).replayed, (await shop('b')).replayed, (await shop('a')).replayed]).toEqual([
      false,
      false,
      true,
    ])
  })
})

describe('FM48: `remembers` decides which failures are kept', () => {
  const kept = {
    success: [] as number[],
    final: [400, 404, 410, 422],
    all: [400, 401, 404, 409, 410, 422, 429, 500, 503],
  }
  for (const remembers of ['success', 'final', 'all'] as const) {
    test.each([400, 401, 404, 409, 410, 422, 429, 500, 503])(`${remembers}: status %i`, async (status) => {
      const url = await serve({ key: { remembers } })
      const item = fresh()
      const does = `status:${status}`
      const first = await ask(url, '/bookings', { item, does }, { key: item })
      expect(first).toMatchObject({ status, replayed: false })
      expect(await effects(database.pool, item)).toEqual({ effects: 0, messages: 0 })
      const second = await ask(url, '/bookings', { item, does }, { key: item })
      expect(second).toMatchObject({ status, text: first.text, replayed: kept[remembers].includes(status) })
      expect(await effects(database.pool, item)).toEqual({ effects: 0, messages: 0 })
    })
  }

  test('FM13: a claim that somebody left behind suppresses nothing', async () => {
    const url = await serve()
    for (const path of ['/bookings', '/waiting-bookings']) {
      const item = fresh()
      await database.pool.query(
        `insert into spandrel.keys (operation, scope, key, fingerprint, state) values ($1, '', $2, 'other', 'claimed')`,
        [path === '/bookings' ? 'book' : 'bookWaiting', item],
      )
      const first = await ask(url, path, { item }, { key: item })
      expect(first).toMatchObject({ status: 201, replayed: false })
      expect(await ask(url, path, { item }, { key: item })).toMatchObject({ replayed: true, text: first.text })
      expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
    }
  })

  test('FM13: a throw is not remembered but by `all`; the next try runs', async () => {
    const url = await serve({ key: { fingerprint: { source: 'request.body', pointer: ['item'] } } })
    const item = fresh()
    expect(await ask(url, '/bookings', { item, does: 'throw' }, { key: item })).toMatchObject({
      status: 500,
      problem: 'internal-error',
    })
    expect(await ask(url, '/bookings', { item }, { key: item })).toMatchObject({ status: 201, replayed: false })
    expect(await effects(database.pool, item)).toEqual({ effects: 1, messages: 1 })
    const all = await serve({ key: { remembers: 'all' } })
    const other = fresh()
    await ask(all, '/bookings', { item: other, does: 'throw' }, { key: other })
    expect(await ask(all, '/bookings', { item: other, does: 'throw' }, { key: other })).toMatchObject({
      status: 500,
      replayed: true,
    })
  })
})

describe('limits', () => {
  test('an answer that is too large to be remembered is 500, and nothing happened', async () => {
    const url = await serve({ options: { maxAnswerBytes: 1000, logger: quiet } })
    const item = fresh()
    expect(await ask(url, '/bookings', { item, does: 'large:2000' }, { key: item })).toMatchObject({
      status: 500,
      problem: 'answer-too-large',
    })
    expect(await effects(database.pool, item)).toEqual({ effects: 0, messages: 0 })
    expect(await ask(url, '/plain-bookings', { item, does: 'large:2000' })).toMatchObject({ status: 201 })
  })

  test('bodies: too large 413, wrong type 415, not JSON and not fitting 400, each with its faults', async () => {
    const url = await serve({ options: { maxBodyBytes: 1000, logger: quiet } })
    const post = async (
      body: string | ReadableStream,
      headers: Record<string, string> = { 'content-type': 'application/json' },
      path = '/plain-bookings',
    ) => asked(await fetch(url + path, { method: 'POST', body, headers, duplex: 'half' }))
    expect(await post('x'.repeat(2000))).toMatchObject({ status: 413, problem: 'body-too-large' })
    const chunked = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('x'.repeat(600)))
      },
    })
    expect(await post(chunked).catch((error: unknown) => error)).toSatisfy(
      (end: unknown) => end instanceof TypeError || (end as { status: number }).status === 413,
    )
    expect(await post('<a/>', { 'content-type': 'text/xml' })).toMatchObject({ status: 415, problem: 'content-type' })
    expect(await post('{')).toMatchObject({ status: 400, problem: 'request-invalid' })
    const faulty = await post('{}', { 'content-type': 'application/json' }, '/plain-bookings?dry=maybe')
    expect(faulty).toMatchObject({ status: 400, problem: 'request-invalid' })
    expect(JSON.parse(faulty.text)).toMatchObject({
      errors: [
        { in: 'query', name: 'dry' },
        { in: 'body', pointer: '' },
      ],
    })
  })

  test('answers that the contract does not declare are refused where they are checked', async () => {
    const url = await serve({ options: { validateAnswers: true, logger: quiet } })
    const item = fresh()
    expect(await ask(url, '/bookings', { item, does: 'undeclared' }, { key: item })).toMatchObject({
      status: 500,
      problem: 'answer-invalid',
    })
    expect(await effects(database.pool, item)).toEqual({ effects: 0, messages: 0 })
  })
})

describe('HTTP', () => {
  test('404, 405 with Allow, OPTIONS, HEAD, deprecation and sunset', async () => {
    const url = await serve()
    const item = fresh()
    const made = JSON.parse((await ask(url, '/plain-bookings', { item })).text) as { bookingId: number }
    expect(await ask(url, '/nowhere', { item })).toMatchObject({ status: 404, problem: 'not-found' })
    const wrong = await asked(await fetch(`${url}/bookings/${made.bookingId}`, { method: 'DELETE' }))
    expect(wrong).toMatchObject({ status: 405, problem: 'method-not-allowed' })
    expect(wrong.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    const options = await fetch(`${url}/bookings`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'OPTIONS, POST'])
    const got = await fetch(`${url}/bookings/${made.bookingId}`)
    expect([got.status, await got.json()]).toEqual([200, { bookingId: made.bookingId, item }])
    expect(got.headers.get('deprecation')).toMatch(/^@\d+$/)
    expect(got.headers.get('sunset')).toBe('Tue, 01 Jan 2030 00:00:00 GMT')
    const head = await fetch(`${url}/bookings/${made.bookingId}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      got.headers.get('content-length'),
      '',
    ])
    expect(await asked(await fetch(`${url}/bookings/none`))).toMatchObject({ status: 400 })
    expect((await fetch(`${url}/bookings/%E0%A4%A`)).status).toBe(404)
  })

  test('a correlation id is made where there is none, or where it is not one', async () => {
    const url = await serve()
    for (const given of [undefined, 'has space', 'x'.repeat(200)]) {
      const headers: Record<string, string> = given === undefined ? {} : { 'correlation-id': given }
      const { headers: got } = await ask(url, '/plain-bookings', { item: fresh() }, { headers })
      expect(got.get('correlation-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})
