/** Keys that the gateway keeps for a service that keeps none: one effect a key, whatever copies do. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { counting, kept, keysDatabase, order } from '../../test/kept.ts'
import { ask, closedPort, post, raw, until } from '../../test/servers.ts'
import { bearer } from '../../test/system.ts'

const keys = keysDatabase()
const problem = (name: string): string => `https://spandrel.dev/problems/${name}`

test('a copy gets the first answer: status, body, declared headers, and the word that it is one', async () => {
  const { orders, url, gateways } = await kept(
    {
      handler: (_request, response) =>
        response
          .writeHead(201, { 'content-type': 'application/json', location: '/orders/7', 'x-not-declared': '1' })
          .end('{"id": 7}'),
    },
    keys.pool,
  )
  const first = await order(url, 'a1')
  const copy = await order(url, 'a1')
  expect([first.status, first.text, first.headers['idempotent-replayed']]).toEqual([201, '{"id": 7}', undefined])
  expect([copy.status, copy.text, copy.headers['idempotent-replayed']]).toEqual([201, '{"id": 7}', 'true'])
  expect(copy.headers).toMatchObject({
    location: '/orders/7',
    'content-type': 'application/json',
    'content-length': '9',
  })
  expect(copy.headers['x-not-declared']).toBeUndefined()
  expect(first.headers['x-not-declared']).toBe('1')
  expect(orders.seen).toHaveLength(1)
  expect(orders.seen[0]?.headers).toMatchObject({ 'idempotency-key': 'a1', 'accept-encoding': 'identity' })
  expect(await keys.rows('a1')).toMatchObject([{ operation: 'orders.placeOrder', state: 'done', outcome: 'answered' }])
  expect(gateways[0]?.gateway.metrics()).toContain(
    'spandrel_gateway_replayed_answers_total{operation="orders.placeOrder"} 1',
  )
})

test('an answer that is no text is kept as it is', async () => {
  const bytes = Buffer.from([0, 255, 254, 0xc3, 0x28, 10])
  const { url } = await kept(
    {
      handler: (_request, response) =>
        response.writeHead(201, { 'content-type': 'application/zip', 'content-length': bytes.length }).end(bytes),
    },
    keys.pool,
  )
  const read = async (): Promise<string> => {
    const client = raw(Number(new URL(url).port))
    client.socket.write(
      'POST /orders HTTP/1.1\r\nhost: x\r\nidempotency-key: bytes\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}',
    )
    return client.closed
  }
  const [first, copy] = [await read(), await read()]
  expect(first.endsWith(bytes.toString('latin1'))).toBe(true)
  expect(copy.endsWith(bytes.toString('latin1'))).toBe(true)
  expect(copy).toContain('idempotent-replayed: true')
})

test.each([1, 2])('copies at once, %i gateways, reject: one effect, and 409 for the rest', async (count) => {
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const answer = counting()
  const { orders, gateways } = await kept(
    { gateways: count, handler: (request, response, seen) => void held.then(() => answer(request, response, seen)) },
    keys.pool,
  )
  let refused = 0
  const asked = Array.from({ length: 24 }, async (_, index) => {
    const one = await order(`${gateways[index % count]?.url}/orders`, `b${count}`)
    if (one.status === 409 && ++refused === 23) release()
    return one
  })
  const answers = await Promise.all(asked)
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  const overlaps = answers.filter(({ status }) => status === 409)
  expect(overlaps).toHaveLength(23)
  for (const one of overlaps) {
    expect(one.json()['type']).toBe(problem('overlap'))
    expect(one.headers['retry-after']).toBe('1')
  }
  expect(orders.seen).toHaveLength(1)
})

test.each([1, 2])('copies at once, %i gateways, wait: one effect, and its answer for all', async (count) => {
  const answer = counting()
  const { orders, gateways } = await kept(
    {
      gateways: count,
      guarantee: { onOverlap: 'wait' },
      handler: (request, response, seen) => void pause(100).then(() => answer(request, response, seen)),
    },
    keys.pool,
  )
  const asked = Array.from({ length: 24 }, (_, index) => order(`${gateways[index % count]?.url}/orders`, `c${count}`))
  const answers = await Promise.all(asked)
  expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual(Array(24).fill('201 {"id":1}'))
  expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(23)
  expect(orders.seen).toHaveLength(1)
})

test('wait: if the first ends unremembered, one that waits becomes the first', async () => {
  let calls = 0
  const { orders, url } = await kept(
    {
      guarantee: { onOverlap: 'wait' },
      handler: (_request, response) =>
        void pause(50).then(() => response.writeHead(++calls === 1 ? 500 : 201).end(String(calls))),
    },
    keys.pool,
  )
  const answers = await Promise.all(Array.from({ length: 6 }, () => order(url, 'd1')))
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 201, 201, 500])
  expect(orders.seen).toHaveLength(2)
})

test('waiting is bounded in number and in time', async () => {
  const { url, gateways } = await kept(
    { guarantee: { onOverlap: 'wait' }, timeoutMs: 300, handler: () => {}, more: { limits: { waiting: 2 } } },
    keys.pool,
  )
  const answers = await Promise.all(Array.from({ length: 6 }, () => order(url, 'e1')))
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([409, 409, 409, 409, 409, 504])
  expect(gateways[0]?.gateway.health().keys?.waiting).toBe(0)
})

test('the same key with another request: 422, or the first answer where the contract says replay', async () => {
  const strict = await kept({}, keys.pool)
  await order(strict.url, 'f1', { sku: 'chair', amount: 1 })
  expect((await order(strict.url, 'f1', { amount: 1, sku: 'chair' })).headers['idempotent-replayed']).toBe('true')
  const other = await order(strict.url, 'f1', { sku: 'chair', amount: 2 })
  expect([other.status, other.json()['type']]).toEqual([422, problem('key-reuse')])
  const query = await order(`${strict.url}?express=1`, 'f1', { sku: 'chair', amount: 1 })
  expect(query.status).toBe(422)
  expect(strict.orders.seen).toHaveLength(1)

  const lax = await kept({ guarantee: { onMismatch: 'replay' } }, keys.pool)
  await order(lax.url, 'f2', { sku: 'chair' })
  const replayed = await order(lax.url, 'f2', { sku: 'table' })
  expect([replayed.status, replayed.headers['idempotent-replayed']]).toEqual([201, 'true'])

  const part = await kept({ guarantee: { fingerprint: { source: 'request.body', pointer: ['sku'] } } }, keys.pool)
  await order(part.url, 'f3', { sku: 'chair', at: 1 })
  expect((await order(part.url, 'f3', { sku: 'chair', at: 2 })).status).toBe(201)
  expect((await order(part.url, 'f3', { sku: 'table', at: 1 })).status).toBe(422)
})

test('a body that is not JSON is told from others by its bytes; one that cannot be told is refused', async () => {
  const { url, orders } = await kept({}, keys.pool)
  const send = (body: string): ReturnType<typeof ask> =>
    ask(url, { method: 'POST', headers: { 'content-type': 'text/plain', 'idempotency-key': 'g1' }, body })
  expect((await send('one')).status).toBe(201)
  expect((await send('one')).headers['idempotent-replayed']).toBe('true')
  expect((await send('two')).status).toBe(422)
  expect(orders.seen[0]?.body.toString()).toBe('one')
  const half = await ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'g2' },
    body: String.raw`{"a":"\ud800"}`,
  })
  expect([half.status, half.json()['type']]).toEqual([400, problem('request-invalid')])
})

test.each([
  ['final', 201, true],
  ['final', 422, true],
  ['final', 429, false],
  ['final', 500, false],
  ['success', 201, true],
  ['success', 422, false],
  ['all', 422, true],
  ['all', 500, true],
] as const)('remembers %s: %i is kept: %s', async (remembers, status, isKept) => {
  const { orders, url } = await kept(
    {
      guarantee: { remembers },
      handler: (_request, response) => response.writeHead(status, { 'content-type': 'application/json' }).end('{}'),
    },
    keys.pool,
  )
  const name = `h-${remembers}-${status}`
  expect((await order(url, name)).status).toBe(status)
  const copy = await order(url, name)
  expect([copy.status, copy.headers['idempotent-replayed']]).toEqual([status, isKept ? 'true' : undefined])
  expect(orders.seen).toHaveLength(isKept ? 1 : 2)
})

test.each([502, 504])('%i says that somebody on the way does not know: the key waits for its lease', async (status) => {
  const { orders, url } = await kept({ handler: (_request, response) => response.writeHead(status).end() }, keys.pool)
  expect((await order(url, `i${status}`)).status).toBe(status)
  expect((await order(url, `i${status}`)).status).toBe(409)
  expect(orders.seen).toHaveLength(1)
})

test('whose keys they are: by an expression, by caller', async () => {
  const by = await kept({ guarantee: { scope: { by: { source: 'request.header', name: 'X-Shop' } } } }, keys.pool)
  expect((await order(by.url, 'j1', {}, { 'x-shop': 'north' })).json()).toEqual({ id: 1 })
  expect((await order(by.url, 'j1', {}, { 'x-shop': 'south' })).json()).toEqual({ id: 2 })
  expect((await order(by.url, 'j1', {}, { 'x-shop': 'north' })).json()).toEqual({ id: 1 })
  expect((await order(by.url, 'j1')).json()['type']).toBe(problem('key-invalid'))

  const callers = await kept(
    {
      guarantee: { scope: 'caller' },
      operation: { security: [[{ scheme: bearer }], []] },
      more: { auth: { trusted: { header: 'x-user', from: ['127.0.0.1'] } } },
    },
    keys.pool,
  )
  expect((await order(callers.url, 'j2', {}, { 'x-user': 'ann' })).json()).toEqual({ id: 1 })
  expect((await order(callers.url, 'j2', {}, { 'x-user': 'bob' })).json()).toEqual({ id: 2 })
  expect((await order(callers.url, 'j2', {}, { 'x-user': 'ann' })).json()).toEqual({ id: 1 })
  expect((await order(callers.url, 'j2')).json()['type']).toBe(problem('caller-unknown'))
  expect((await keys.rows('j2')).map(({ scope }) => scope).toSorted()).toEqual(['caller:proxy:ann', 'caller:proxy:bob'])
})

test('where nothing was sent, the key is free at once', async () => {
  const port = await closedPort()
  const { url, orders, gateways } = await kept({ url: `http://127.0.0.1:${port}` }, keys.pool)
  const answer = await order(url, 'k1')
  expect([answer.status, answer.json()['type']]).toEqual([503, problem('service-unreachable')])
  expect(await keys.rows('k1')).toEqual([])
  expect(orders.seen).toHaveLength(0)
  expect(gateways[0]?.gateway.health().keys?.open).toBe(0)
})

test('a request without its optional key is passed on unprotected', async () => {
  const { url, orders } = await kept({ guarantee: { required: false } }, keys.pool)
  expect((await post(url, {})).json()).toEqual({ id: 1 })
  expect((await post(url, {})).json()).toEqual({ id: 2 })
  expect(orders.seen).toHaveLength(2)
})

test('an answer too large to keep goes whole to the first; copies hear that it was not kept', async () => {
  const large = Buffer.alloc(3_000_000, 'x')
  const { url, orders } = await kept(
    {
      handler: (_request, response) => response.writeHead(201, { 'content-type': 'text/plain' }).end(large),
      more: { limits: { answerBytes: 100_000 } },
    },
    keys.pool,
  )
  const first = await order(url, 'l1')
  expect([first.status, first.text.length]).toEqual([201, large.length])
  expect(await keys.rows('l1')).toMatchObject([{ state: 'done', outcome: 'not-kept', status: 201 }])
  const copy = await order(url, 'l1')
  expect([copy.status, copy.json()['type']]).toEqual([409, problem('answer-not-kept')])
  expect(orders.seen).toHaveLength(1)
})

test('one that grows too large on the way is recorded before a byte of it leaves, and goes on as it comes', async () => {
  let more: () => void = () => {}
  const { url } = await kept(
    {
      handler: (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' }).write('x'.repeat(5000))
        more = () => response.end('the end')
      },
      more: { limits: { answerBytes: 1000 } },
    },
    keys.pool,
  )
  const client = raw(Number(new URL(url).port))
  client.socket.write(
    'POST /orders HTTP/1.1\r\nhost: x\r\nidempotency-key: m1\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}',
  )
  await client.until((received) => received.includes('x'.repeat(1000)))
  expect(await keys.rows('m1')).toMatchObject([{ state: 'done', outcome: 'not-kept' }])
  more()
  expect(await client.closed).toContain('the end')
})

test('FM47 a client that leaves stops nothing: its copy gets the answer', async () => {
  let answer: () => void = () => {}
  const { url, orders } = await kept(
    { handler: (_request, response) => (answer = () => response.writeHead(201).end('{"id":1}')) },
    keys.pool,
  )
  const client = raw(Number(new URL(url).port))
  client.socket.write(
    'POST /orders HTTP/1.1\r\nhost: x\r\nidempotency-key: n1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
  )
  await until(() => orders.seen.length === 1)
  client.socket.destroy()
  await client.closed
  answer()
  await expect.poll(async () => (await keys.rows('n1'))[0]?.state).toBe('done')
  const copy = await order(url, 'n1', {})
  expect([copy.status, copy.text, copy.headers['idempotent-replayed']]).toEqual([201, '{"id":1}', 'true'])
  expect(orders.seen).toHaveLength(1)
})

test('a gateway that stops records what is in flight first', async () => {
  let answer: () => void = () => {}
  const { url, orders, gateways } = await kept(
    { handler: (_request, response) => (answer = () => response.writeHead(201).end('{"id":1}')) },
    keys.pool,
  )
  const asked = order(url, 'o1')
  await until(() => orders.seen.length === 1)
  const closed = gateways[0]?.gateway.close()
  answer()
  expect((await asked).status).toBe(201)
  await closed
  expect(await keys.rows('o1')).toMatchObject([{ state: 'done' }])
})
