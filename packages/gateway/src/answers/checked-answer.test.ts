/** Answers against the contract: `warn` changes no byte, `enforce` lets nothing through that is not declared. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnswerMode } from '@spandrel/contract'
import { expect, test } from 'vitest'
import { ask, gateway, service } from '../../test/servers.ts'
import { system } from '../../test/system.ts'

const order = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer' }, secret: { type: 'string', maxLength: 3 } },
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

async function answering(mode: AnswerMode, handler: Handler, bodyBytes = 1024 * 1024) {
  const lines: { message: string; fields: object }[] = []
  const note = (fields: object, message: string): number => lines.push({ message, fields })
  const orders = await service(handler)
  const { url, gateway: one } = await gateway({
    system: system(
      {
        orders: {
          url: orders.url,
          operations: {
            getOrder: {
              path: '/orders/7',
              answers: {
                '200': { schema: order, headers: { 'X-Version!': { type: 'string' }, 'X-Other': {} } },
                '204': { type: '' },
                '4XX': { type: 'application/problem+json' },
              },
            },
          },
        },
      },
      { answers: mode },
    ),
    logger: { debug() {}, info() {}, warn: note, error: note },
    limits: { answerBytes: bodyBytes },
  })
  return { ask: (method = 'GET') => ask(`${url}/orders/7`, { method }), lines, metrics: () => one.metrics() }
}

const give =
  (status: number, headers: Record<string, string>, body?: string): Handler =>
  (_request, response) =>
    response.writeHead(status, headers).end(body)
const json = { 'content-type': 'application/json; charset=utf-8', 'x-version': '1' }

const faults: readonly [what: string, at: string, handler: Handler][] = [
  ['a status that is not declared', 'status', give(500, json, '{"secret":"s3cret"}')],
  ['a required header that is missing', 'x-version', give(200, { 'content-type': 'application/json' }, '{"id":1}')],
  ['another media type', 'content-type', give(200, { ...json, 'content-type': 'text/html' }, '<p>s3cret</p>')],
  ['no media type', 'content-type', give(200, { 'x-version': '1' }, '{"id":1}')],
  ['a body that is no JSON', '/', give(200, json, '{"id":')],
  ['a body that does not fit', '/secret', give(200, json, '{"id":1,"secret":"s3cret"}')],
  ['a member that is missing', '/', give(200, json, '{}')],
]

test.each(faults)('enforce: %s is 502, and nothing of it leaves', async (_what, at, handler) => {
  const { ask: get, lines, metrics } = await answering('enforce', handler)
  const answer = await get()
  expect([answer.status, answer.json()['type']]).toEqual([502, 'https://spandrel.dev/problems/answer-invalid'])
  expect(answer.text + JSON.stringify(answer.headers)).not.toMatch(/s3cret|x-version/)
  expect(lines).toMatchObject([{ fields: { service: 'orders', operation: 'getOrder', at } }])
  expect(JSON.stringify(lines)).not.toContain('s3cret')
  expect(metrics()).toContain('spandrel_gateway_invalid_answers_total{operation="orders.getOrder",mode="enforce"} 1')
})

test.each(faults)('warn: %s is told, and goes as it came', async (_what, at, handler) => {
  const plain = await (await answering('off', handler)).ask()
  const { ask: get, lines, metrics } = await answering('warn', handler)
  const answer = await get()
  expect([answer.status, answer.text]).toEqual([plain.status, plain.text])
  expect(answer.headers['content-type']).toBe(plain.headers['content-type'])
  expect(lines).toMatchObject([{ fields: { at } }])
  expect(metrics()).toContain('spandrel_gateway_invalid_answers_total{operation="orders.getOrder",mode="warn"} 1')
})

test.each<[string, Handler]>([
  ['what is declared', give(200, json, '{"id":1}')],
  ['a range of statuses', give(404, { 'content-type': 'application/problem+json' }, '{}')],
  ['no body where none is declared', give(204, {})],
  ['what HTTP itself answers', give(304, {})],
])('enforce: %s goes, byte for byte', async (_what, handler) => {
  const plain = await (await answering('off', handler)).ask()
  const { ask: get, lines } = await answering('enforce', handler)
  const answer = await get()
  expect([answer.status, answer.text, answer.headers['content-length']]).toEqual([
    plain.status,
    plain.text,
    plain.headers['content-length'],
  ])
  expect(lines).toEqual([])
})

test('HEAD is looked at without its body', async () => {
  const { ask: get } = await answering('enforce', give(200, json))
  expect((await get('HEAD')).status).toBe(200)
})

test.each(['warn', 'enforce'] as const)(
  '%s: too large, or encoded, is passed on unchecked, and counted',
  async (mode) => {
    const large = JSON.stringify({ wrong: 'x'.repeat(20_000) })
    const handlers: Handler[] = [
      give(200, { ...json, 'content-length': String(large.length) }, large),
      (_request, response) => {
        response.writeHead(200, json).write(large.slice(0, 5000))
        response.end(large.slice(5000))
      },
      give(200, { ...json, 'content-encoding': 'br' }, large),
    ]
    for (const handler of handlers) {
      const { ask: get, lines, metrics } = await answering(mode, handler, 4000)
      const answer = await get()
      expect([answer.status, answer.text]).toEqual([200, large])
      expect(lines).toEqual([])
      expect(metrics()).toContain('spandrel_gateway_unchecked_answers_total{operation="orders.getOrder"} 1')
    }
  },
)

test('enforce: an answer that breaks off while it is held is 502', async () => {
  const { ask: get } = await answering('enforce', (request, response) => {
    response.writeHead(200, { ...json, 'content-length': '100' }).write('{"id":', () => request.socket.destroy())
  })
  const answer = await get()
  expect([answer.status, answer.json()['type']]).toEqual([502, 'https://spandrel.dev/problems/service-failed'])
})
