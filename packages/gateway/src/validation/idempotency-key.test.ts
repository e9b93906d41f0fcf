import { expect, test } from 'vitest'
import { ask, gateway, post, service } from '../../test/servers.ts'
import { key, type OperationSketch, system } from '../../test/system.ts'
import { headerKey } from './idempotency-key.ts'

test.each([
  ['abc', 'abc'],
  ['"abc"', 'abc'],
  ['"a b"', 'a b'],
  ['"a\\"b\\\\"', 'a"b\\'],
  ['"abc";p=1', 'abc'],
  ['  abc  ', 'abc'],
])('%s is the key %s', (text, expected) => {
  expect(headerKey(text)).toBe(expected)
})

test.each(['a b', 'a, b', '"abc', 'ab"c', 'é', '"é"', '"a\\b"', ''])('%s is no key', (text) => {
  expect(headerKey(text)).toBeUndefined()
})

async function keyed(
  sketch: Partial<OperationSketch>,
): Promise<{ url: string; orders: Awaited<ReturnType<typeof service>> }> {
  const orders = await service()
  const { url } = await gateway({
    system: system({
      orders: {
        url: orders.url,
        operations: {
          place: {
            method: 'POST',
            path: '/orders',
            body: { 'application/json': { type: 'object' } },
            guarantees: { idempotency: key },
            ...sketch,
          },
        },
      },
    }),
  })
  return { url: `${url}/orders`, orders }
}

test('a missing key is refused before the service is asked', async () => {
  const { url, orders } = await keyed({})
  const answer = await post(url, {})
  expect(answer.status).toBe(400)
  expect(answer.json()).toMatchObject({
    type: 'https://spandrel.dev/problems/key-missing',
    detail: 'This operation needs an idempotency key in the header Idempotency-Key.',
  })
  expect(orders.seen).toHaveLength(0)
})

test('the key is forwarded untouched, in quotes or bare', async () => {
  const { url, orders } = await keyed({})
  await post(url, {}, { 'Idempotency-Key': '"a b"' })
  await post(url, {}, { 'Idempotency-Key': 'a-b' })
  expect(orders.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['"a b"', 'a-b'])
})

test('two keys, a broken one and one that is too long are refused', async () => {
  const { url, orders } = await keyed({})
  const headers = ['host', 'a', 'content-type', 'application/json', 'idempotency-key', 'a', 'idempotency-key', 'b']
  const two = await ask(url, { method: 'POST', headers, body: '{}' })
  const broken = await post(url, {}, { 'idempotency-key': '"a' })
  const long = await post(url, {}, { 'idempotency-key': 'a'.repeat(256) })
  for (const answer of [two, broken, long]) {
    expect(answer.status).toBe(400)
    expect(answer.json()['type']).toBe('https://spandrel.dev/problems/key-invalid')
  }
  expect(orders.seen).toHaveLength(0)
})

test('the header is the one that the contract names', async () => {
  const { url, orders } = await keyed({
    guarantees: {
      idempotency: { ...key, key: { source: 'request.header', name: 'X-Once' } },
    },
  })
  expect((await post(url, {}, { 'idempotency-key': 'a' })).status).toBe(400)
  expect((await post(url, {}, { 'x-once': 'a' })).status).toBe(200)
  expect(orders.seen).toHaveLength(1)
})

test('an optional key may be absent', async () => {
  const { url } = await keyed({ guarantees: { idempotency: { ...key, required: false } } })
  expect((await post(url, {})).status).toBe(200)
})

test('a key in the body is looked for there', async () => {
  const { url, orders } = await keyed({
    guarantees: {
      idempotency: { ...key, key: { source: 'request.body', pointer: ['order', 'ref'] } },
    },
  })
  const missing = await post(url, { order: {} })
  expect(missing.status).toBe(400)
  expect(missing.json()['detail']).toBe('This operation needs an idempotency key in the body at /order/ref.')
  expect((await post(url, { order: { ref: 7 } })).status).toBe(200)
  expect(orders.seen).toHaveLength(1)
})

test('where the key is a declared parameter too, its absence is still key-missing, and quotes are not part of its schema', async () => {
  const { url } = await keyed({
    parameters: [{ name: 'Idempotency-Key', in: 'header', required: true, schema: { type: 'string', format: 'uuid' } }],
  })
  expect((await post(url, {})).json()['type']).toBe('https://spandrel.dev/problems/key-missing')
  const uuid = '0190c9a6-4ab5-7cc0-8d9d-2f1f1b7d7c11'
  expect((await post(url, {}, { 'idempotency-key': `"${uuid}"` })).status).toBe(200)
  expect((await post(url, {}, { 'idempotency-key': uuid })).status).toBe(200)
  expect((await post(url, {}, { 'idempotency-key': 'no-uuid' })).json()['type']).toBe(
    'https://spandrel.dev/problems/request-invalid',
  )
})

test('a key that the connection header names is a missing key', async () => {
  const { url, orders } = await keyed({})
  const answer = await post(url, {}, { 'idempotency-key': 'a', connection: 'close, idempotency-key' })
  expect(answer.json()['type']).toBe('https://spandrel.dev/problems/key-missing')
  expect(orders.seen).toHaveLength(0)
})

test('a key that no database can keep is refused: NUL, or half of a surrogate pair', async () => {
  const { url, orders } = await keyed({
    guarantees: { idempotency: { ...key, key: { source: 'request.body', pointer: ['ref'] } } },
  })
  for (const ref of ['a\0b', 'a\ud800']) {
    const answer = await post(url, { ref })
    expect([answer.status, answer.json()['type']]).toEqual([400, 'https://spandrel.dev/problems/key-invalid'])
  }
  expect(orders.seen).toHaveLength(0)
})
