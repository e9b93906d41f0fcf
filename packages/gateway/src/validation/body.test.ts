import type { JsonSchema } from '@spandrel/contract'
import { expect, test } from 'vitest'
import { ask, gateway, post, raw, service, type TestService } from '../../test/servers.ts'
import { type OperationSketch, system } from '../../test/system.ts'

const order = {
  type: 'object',
  required: ['sku'],
  properties: { sku: { type: 'string' }, lines: { type: 'array', items: { $ref: '#/$defs/Line' } } },
  additionalProperties: false,
}
const Line = {
  type: 'object',
  properties: { amount: { type: 'integer' }, parts: { type: 'array', items: { $ref: '#/$defs/Line' } } },
}

async function operation(
  { schemas = { Line }, ...sketch }: Partial<OperationSketch> & { schemas?: Record<string, JsonSchema> } = {},
  options: object = {},
): Promise<{ url: string; port: number; one: TestService }> {
  const one = await service()
  const { url, port } = await gateway({
    system: system({
      one: {
        url: one.url,
        schemas,
        operations: { op: { method: 'POST', path: '/x', body: { 'application/json': order }, ...sketch } },
      },
    }),
    ...options,
  })
  return { url: `${url}/x`, port, one }
}

test('a body that fits is forwarded byte by byte', async () => {
  const { url, one } = await operation()
  const body = '{ "sku" : "chair\\u0020",\n"lines":[] }'
  expect((await ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status).toBe(200)
  expect(one.seen[0]?.body.toString()).toBe(body)
  expect(one.seen[0]?.headers['content-length']).toBe(String(body.length))
})

test('a chunked body is checked too, and forwarded with its length', async () => {
  const { url, one } = await operation()
  const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
  expect((await ask(url, { method: 'POST', headers, body: '{"sku":"chair"}' })).status).toBe(200)
  expect((await ask(url, { method: 'POST', headers, body: '{}' })).status).toBe(400)
  expect(one.seen[0]?.headers['content-length']).toBe('15')
  expect(one.seen[0]?.headers['transfer-encoding']).toBeUndefined()
})

test('faults are pointed at, through references', async () => {
  const { url, one } = await operation()
  const faults = async (value: unknown): Promise<unknown> => (await post(url, value)).json()['errors']
  expect(await faults({})).toEqual([{ in: 'body', pointer: '', detail: 'lacks "sku"' }])
  expect(await faults({ sku: 1 })).toEqual([{ in: 'body', pointer: '/sku', detail: 'must be string' }])
  expect(await faults({ sku: 'a', colour: 1 })).toEqual([
    { in: 'body', pointer: '', detail: 'has "colour", which is not declared' },
  ])
  expect(await faults({ sku: 'a', lines: [{}, { parts: [{ amount: 1.5 }] }] })).toEqual([
    { in: 'body', pointer: '/lines/1/parts/0/amount', detail: 'must be integer' },
  ])
  expect(await faults([])).toEqual([{ in: 'body', pointer: '', detail: 'must be object' }])
  expect(one.seen).toHaveLength(0)
})

test('what is `readOnly` is not asked of a request, through references too', async () => {
  const { url, one } = await operation({
    body: {
      'application/json': {
        type: 'object',
        required: ['id', 'name', 'lines'],
        properties: {
          id: { type: 'integer', readOnly: true },
          name: { type: 'string' },
          lines: { $ref: '#/$defs/Line' },
        },
      },
    },
    schemas: {
      Line: { type: 'object', required: ['price'], properties: { price: { type: 'number', readOnly: true } } },
    },
  })
  expect((await post(url, { name: 'a', lines: {} })).status).toBe(200)
  expect((await post(url, { id: 1, name: 'a', lines: { price: 2 } })).status).toBe(200)
  expect((await post(url, { id: 'x', name: 'a', lines: {} })).status).toBe(400)
  expect((await post(url, { id: 1, lines: {} })).status).toBe(400)
  expect(one.seen).toHaveLength(2)
})

test('a refusal is a problem with the correlation id', async () => {
  const { url } = await operation()
  const answer = await post(url, {}, { 'correlation-id': 'c-1' })
  expect(answer.status).toBe(400)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(answer.headers['correlation-id']).toBe('c-1')
  expect(answer.json()).toMatchObject({
    type: 'https://spandrel.dev/problems/request-invalid',
    title: 'The request does not fit the contract',
    status: 400,
    correlationId: 'c-1',
  })
})

test.each([
  ['not JSON', '{"sku":'],
  ['two values', '{"sku":"a"}{}'],
  ['a byte order mark', '\ufeff{"sku":"a"}'],
])('%s is refused without an excerpt', async (_what, body) => {
  const { url, one } = await operation()
  const answer = await ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  expect(answer.status).toBe(400)
  expect(answer.text).not.toContain('sku')
  expect(one.seen).toHaveLength(0)
})

test('bytes that are not UTF-8 are refused: the service would read something else', async () => {
  const { url } = await operation()
  const body = Buffer.concat([Buffer.from('{"sku":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])
  const answer = await ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  expect(answer.json()['errors']).toEqual([{ in: 'body', pointer: '', detail: 'is not UTF-8' }])
})

test('a value nested deeper than the stack is refused, and the gateway lives', async () => {
  const { url, one } = await operation()
  const depth = 40_000
  const body = `{"sku":"a","lines":[${'{"parts":['.repeat(depth)}${']}'.repeat(depth)}]}`
  const answer = await ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  expect(answer.status).toBe(400)
  expect(one.seen).toHaveLength(0)
  expect((await post(url, { sku: 'a' })).status).toBe(200)
})

test('a missing body is a fault where it is required, and none where it is not', async () => {
  const strict = await operation()
  expect((await ask(strict.url, { method: 'POST' })).json()['errors']).toEqual([
    { in: 'body', pointer: '', detail: 'is required' },
  ])
  const lenient = await operation({ bodyOptional: true })
  expect((await ask(lenient.url, { method: 'POST' })).status).toBe(200)
  expect(lenient.one.seen[0]?.headers['content-length']).toBe('0')
})

test('415 says what is taken', async () => {
  const { url, one } = await operation()
  const send = (type: string | undefined): ReturnType<typeof ask> =>
    ask(url, { method: 'POST', headers: type === undefined ? {} : { 'content-type': type }, body: '{"sku":"a"}' })
  for (const type of ['text/plain', 'application/xml', 'application/json; charset=utf-16', 'json', undefined]) {
    const answer = await send(type)
    expect(answer.status).toBe(415)
    expect(answer.headers['accept']).toBe('application/json')
  }
  expect(one.seen).toHaveLength(0)
  for (const type of ['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"']) {
    expect((await send(type)).status).toBe(200)
  }
})

test('a body where none is declared is refused', async () => {
  const one = await service()
  const { url } = await gateway({
    system: system({ one: { url: one.url, operations: { op: { method: 'POST', path: '/x' } } } }),
  })
  expect((await post(`${url}/x`, {})).status).toBe(415)
  expect((await ask(`${url}/x`, { method: 'POST' })).status).toBe(200)
})

test('a compressed body that would have to be checked is refused', async () => {
  const { url } = await operation()
  const answer = await post(url, { sku: 'a' }, { 'content-encoding': 'gzip' })
  expect(answer.status).toBe(415)
  expect(answer.headers['accept-encoding']).toBe('identity')
})

test('the most specific declared type decides', async () => {
  const { url } = await operation({
    body: {
      '*/*': undefined,
      'application/*+json': { required: ['general'] },
      'application/merge-patch+json': { required: ['special'] },
    },
  })
  const send = async (type: string, body: string): Promise<number> =>
    (await ask(url, { method: 'POST', headers: { 'content-type': type }, body })).status
  expect(await send('application/merge-patch+json', '{"special":1}')).toBe(200)
  expect(await send('application/merge-patch+json', '{"general":1}')).toBe(400)
  expect(await send('application/other+json', '{"general":1}')).toBe(200)
  expect(await send('application/other+json', '{}')).toBe(400)
  expect(await send('text/plain', 'anything')).toBe(200)
})

test('a body of exactly the limit passes, one byte more does not', async () => {
  const { url } = await operation({}, { limits: { bodyBytes: 100 } })
  const of = (bytes: number): string => JSON.stringify({ sku: 'a'.repeat(bytes - 10) })
  expect(of(100)).toHaveLength(100)
  const send = async (body: string, headers: Record<string, string> = {}): Promise<number> =>
    (await ask(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })).status
  expect(await send(of(100))).toBe(200)
  expect(await send(of(101))).toBe(413)
  expect(await send(of(100), { 'transfer-encoding': 'chunked' })).toBe(200)
  expect(await send(of(101), { 'transfer-encoding': 'chunked' })).toBe(413)
})

test('an operation may have a limit of its own', async () => {
  const { url } = await operation({}, { limits: { bodyBytes: 10 }, operations: { 'one.op': { bodyBytes: 1000 } } })
  expect((await post(url, { sku: 'longer than ten bytes' })).status).toBe(200)
})

test('a client that sends on after a 413 can read it, and use the connection again', async () => {
  const { port, one } = await operation({}, { limits: { bodyBytes: 1000 } })
  const client = raw(
    port,
    'POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 300000\r\n\r\n',
  )
  await client.until((text) => text.includes('HTTP/1.1 413'))
  client.socket.write('x'.repeat(300_000))
  client.socket.write(
    'POST /x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"sku":"a"}',
  )
  await client.until((text) => text.includes('HTTP/1.1 200'))
  expect(one.seen).toHaveLength(1)
})

test('what is not checked streams through, in the length it was announced with', async () => {
  const { url, one } = await operation(
    { body: { 'application/octet-stream': undefined } },
    { limits: { bodyBytes: 5_000_000 } },
  )
  const body = Buffer.alloc(3_000_000, 'spandrel')
  const headers = { 'content-type': 'application/octet-stream' }
  expect((await ask(url, { method: 'POST', headers, body })).status).toBe(200)
  expect(one.seen[0]?.body.equals(body)).toBe(true)
  expect(one.seen[0]?.headers['content-length']).toBe('3000000')
  expect(
    (await ask(url, { method: 'POST', headers: { ...headers, 'transfer-encoding': 'chunked' }, body })).status,
  ).toBe(200)
  expect(one.seen[1]?.body.equals(body)).toBe(true)
  expect(one.seen[1]?.headers['transfer-encoding']).toBe('chunked')
})

test('a stream longer than the limit is cut: 413 for the client, no whole request for the service', async () => {
  const { url, one } = await operation(
    { body: { 'application/octet-stream': undefined } },
    { limits: { bodyBytes: 100_000 } },
  )
  const headers = { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' }
  const answer = await ask(url, { method: 'POST', headers, body: Buffer.alloc(1_000_000) })
  expect(answer.status).toBe(413)
  expect(one.seen).toHaveLength(0)
})
