/** Whole generated files: what is in them, that they compile, and that what they must refuse does not. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { System } from '../model/system.ts'
import { generateService } from './generate.ts'
import { message, operation, parameter, receive, schemaAt, send, service, system } from './model-fixture.ts'
import { STRICTEST, typeScriptProject, type TypeScriptProject } from './typescript-project.ts'

let project: TypeScriptProject
beforeAll(async () => {
  project = await typeScriptProject()
})
afterAll(() => project[Symbol.asyncDispose]())

const PROBLEM = { type: 'object', properties: { title: { type: 'string' } } }
const QUOTE = { type: 'object', required: ['total'], properties: { total: { type: 'number', multipleOf: 0.01 } } }
const KEY = {
  key: { source: 'request.header', name: 'Idempotency-Key' },
  required: true,
  scope: 'global',
  retentionMs: 1,
  onOverlap: 'reject',
  onMismatch: 'reject',
  remembers: 'final',
} as const

const quotePrice = operation('quotePrice', 'GET', '/quotes/{sku}', {
  parameters: [
    parameter('sku', 'path', { type: 'string', minLength: 1 }),
    parameter('count', 'query', { type: 'integer' }),
  ],
  answers: { 200: { $ref: '#/$defs/Quote' }, 404: undefined, default: { $ref: '#/$defs/Problem' } },
})
const capture = operation('capture', 'POST', '/captures', {
  parameters: [parameter('Idempotency-Key', 'header', { type: 'string' }, { required: true })],
  body: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
  answers: { 201: undefined, '4XX': { $ref: '#/$defs/Problem' } },
  guarantees: { idempotency: KEY },
})
const placeOrder = operation('placeOrder', 'POST', '/orders', {
  parameters: [parameter('Idempotency-Key', 'header', { type: 'string' }, { required: true })],
  body: { $ref: '#/$defs/Order' },
  answers: {
    202: { type: 'object', required: ['orderId'], properties: { orderId: { type: 'string' } } },
    409: undefined,
    '4XX': { $ref: '#/$defs/Problem' },
  },
  guarantees: { idempotency: KEY },
})
const ORDER = {
  type: 'object',
  required: ['lines'],
  properties: {
    lines: { type: 'array', items: { $ref: '#/$defs/Line' } },
    instead: { anyOf: [{ $ref: '#/$defs/Order' }, { type: 'null' }] },
  },
}

function shop(): System {
  const captured = message('captured', { type: 'object', required: ['id'], properties: { id: { type: 'string' } } })
  const refused = message('refused', {
    title: 'Refused payment',
    type: 'object',
    required: ['why'],
    properties: { why: { type: 'string' } },
  })
  const orders = service('orders', {
    schemas: {
      Order: ORDER,
      Line: { type: 'object', required: ['sku'], properties: { sku: { type: 'string' } } },
      Problem: PROBLEM,
    },
    operations: [placeOrder],
    sends: [send('announce', 'orders', [message('orderPlaced', { $ref: '#/$defs/Order' })])],
    receives: [receive('paymentDone', 'payments', [captured, refused])],
    uses: { 'payments.quotePrice': quotePrice, 'payments.capture': capture },
  })
  return system('shop', [
    orders,
    service('payments', { schemas: { Quote: QUOTE, Problem: PROBLEM }, operations: [quotePrice, capture] }),
  ])
}

/** A consumer's code beside the generated file; its errors, each with the line it is about. */
async function errorsOf(code: string): Promise<string[]> {
  await project.write({ 'src/orders.contract.ts': generateService(shop(), 'orders'), 'src/use.ts': code })
  const lines = code.split('\n')
  const errors = await project.typeCheck()
  return errors.map((error) => {
    const [, line, fault] = /^src\/use\.ts\((\d+),\d+\): error (TS\d+)/.exec(error) ?? []
    return line === undefined ? error : `${fault} at ${lines[Number(line) - 1]?.trim()}`
  })
}

describe('the generated file', () => {
  test('compiles under the strictest options, and with exactOptionalPropertyTypes off', async () => {
    const text = generateService(shop(), 'orders')
    await project.write({ 'src/orders.contract.ts': text, 'src/use.ts': '' })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    expect(
      await project.typeCheck({ ...STRICTEST, exactOptionalPropertyTypes: false, noUncheckedIndexedAccess: false }),
    ).toEqual([])
    expect(text).not.toMatch(/@ts-(?:nocheck|ignore|expect-error)|\beval\b|new Function/)
  })

  test('runs under Node as it is', async () => {
    await project.write({ 'src/orders.contract.ts': generateService(shop(), 'orders') })
    const script = `
      const { orders, paymentsClient } = await import('./src/orders.contract.ts')
      const { validate } = orders.sends.orderPlaced
      console.log(JSON.stringify([validate({ lines: [{ sku: 'a' }] }), validate({ lines: [{}] }), validate.errors[0].instancePath, typeof paymentsClient({ baseUrl: '' }).capture]))`
    const node = join(import.meta.dirname, '../../../../node_modules/.bin/node')
    const run = promisify(execFile)(
      node,
      ['--conditions=spandrel-source', '--disallow-code-generation-from-strings', '--input-type=module', '-e', script],
      { cwd: project.dir },
    )
    expect(JSON.parse((await run).stdout)).toEqual([true, false, '/lines/0', 'function'])
  })

  test('imports the runtime for types and validation, and nothing else', () => {
    const imports = generateService(shop(), 'orders').matchAll(/from '([^']+)'/g)
    expect(new Set(imports.map((found) => found[1]))).toEqual(new Set(['@spandrel/runtime/validation']))
  })

  test('is the same text each time, whatever the order in which objects were made', () => {
    const first = generateService(shop(), 'orders')
    expect(generateService(shop(), 'orders')).toBe(first)
    expect(generateService(structuredClone(shop()), 'orders')).toBe(first)
  })

  test('names no machine', () => {
    expect(generateService(shop(), 'orders')).not.toContain('/system/')
  })
})

describe('types of a contract', () => {
  const BASE = `import { createService, type Call, type Send } from '@spandrel/runtime'
import { orders, paymentsClient, type OrdersTypes, type Order } from './orders.contract.ts'
import type { Pool } from 'pg'
declare const database: Pool
declare const send: Send<OrdersTypes>
declare const call: Call<OrdersTypes>
`

  test('handlers, send, call and the client take what the contract says', async () => {
    const errors = await errorsOf(`${BASE}
createService(orders, {
  database,
  handlers: {
    async placeOrder({ body, headers }) {
      const skus: string[] = body.lines.map((line) => line.sku)
      const deeper: Order | null | undefined = body.instead?.instead
      if (skus.length === 0) return { status: 404, body: { title: headers['idempotency-key'] } }
      if (deeper === null) return { status: 409 }
      return { status: 202, body: { orderId: skus.join() }, headers: { location: '/orders/1' } }
    },
    async paymentDone(message, { note }) {
      if (message.type === 'captured') console.log(message.data.id)
      else note(message.data.why)
    },
  },
})
send('orderPlaced', { lines: [{ sku: 'a' }], instead: { lines: [] } })
const quote = await call('payments.quotePrice', { params: { sku: 'a' } })
if (quote.status === 200) console.log(quote.body.total.toFixed(2))
else if (quote.status === 404) console.log(quote.body satisfies undefined)
else console.log(quote.body.title?.length)
await call('payments.capture', { body: { amount: 1 } })
const client = paymentsClient({ baseUrl: 'http://127.0.0.1', headers: { authorization: 'x' } })
const captured = await client.capture({ headers: { 'idempotency-key': 'k' }, body: { amount: 1 } })
if (captured.status !== 201) console.log(captured.body.title)
`)
    expect(errors).toEqual([])
  })

  test('a missing handler does not compile', async () => {
    expect(
      await errorsOf(`${BASE}
createService(orders, { database, handlers: { async paymentDone() {} } })`),
    ).toEqual([`TS2322 at createService(orders, { database, handlers: { async paymentDone() {} } })`])
  })

  test('a misspelt handler does not compile', async () => {
    const errors = await errorsOf(`${BASE}
createService(orders, { database, handlers: {
  async placeOrder() { return { status: 409 } },
  async paymentDone() {},
  async paymentDnoe() {},
} })`)
    expect(errors).toEqual(['TS2322 at async paymentDnoe() {},'])
  })

  test.each([
    [
      'an undeclared status',
      `createService(orders, { database, handlers: { async paymentDone() {}, async placeOrder() { return { status: 200 } } } })`,
    ],
    [
      'a status without its body',
      `createService(orders, { database, handlers: { async paymentDone() {}, async placeOrder() { return { status: 202 } } } })`,
    ],
    ['a message that is not sent', `send('orderPlacd', { lines: [] })`],
    ['a payload with a wrong member', `send('orderPlaced', { lines: [{ sku: 1 }] })`],
    ['a payload with a missing member', `send('orderPlaced', {})`],
    ['a payload with a member too many', `send('orderPlaced', { lines: [], x: 1 })`],
    ['a service that is not used', `await call('payments.refund', {})`],
    ['a call without its parameter', `await call('payments.quotePrice', {})`],
    ['a wrong parameter', `await call('payments.quotePrice', { params: { sku: 'a' }, query: { count: 'x' } })`],
    ['the client without its key', `await paymentsClient({ baseUrl: '' }).capture({ body: { amount: 1 } })`],
    [
      'an answer read without its status',
      `console.log((await call('payments.quotePrice', { params: { sku: 'a' } })).body.total)`,
    ],
  ])('%s does not compile', async (_name, code) => {
    const errors = await errorsOf(`${BASE}\n${code}`)
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.every((error) => error.endsWith(code))).toBe(true)
  })
})

describe('names', () => {
  const text = (sketch: Parameters<typeof service>[1], ...others: ReturnType<typeof service>[]): string =>
    generateService(system('shop', [service('order-desk', sketch), ...others]), 'order-desk')
  const typesOf = (source: string): string[] =>
    [...source.matchAll(/^export type (\S+) =/gm)].map((found) => found[1] ?? '')

  test('collisions get numbers, in the order of the documents', async () => {
    const source = text({
      schemas: {
        'order-line': { type: 'object', properties: { a: true } },
        OrderLine: { type: 'object', properties: { b: true } },
      },
      sends: [
        send('s', 'c', [message('one', { $ref: '#/$defs/OrderLine' }), message('two', { $ref: '#/$defs/order-line' })]),
      ],
    })
    expect(typesOf(source)).toEqual(['OrderLine', 'OrderLine2', 'OrderDeskTypes'])
    expect(source).toContain('one: OrderLine\n')
    expect(source).toContain('two: OrderLine2\n')
  })

  test('a schema keeps its name where the generator wanted it, and reserved words are stepped around', async () => {
    const object = { type: 'object', properties: { x: { type: 'string' } } }
    const names = [
      'Record',
      'Promise',
      'Exclude',
      'ServiceContract',
      'Error',
      'Response',
      '3ds',
      'class',
      'Größe',
      '注文',
      'a b',
    ]
    const doIt = operation('do', 'POST', '/do', {
      body: {
        type: 'object',
        properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }])),
      },
      answers: { 200: { $ref: '#/$defs/DoAnswer' }, default: { $ref: '#/$defs/Record' } },
    })
    const source = text(
      {
        schemas: {
          ...Object.fromEntries(names.map((name) => [name, object])),
          DoAnswer: object,
          OrderDeskTypes: object,
        },
        operations: [doIt],
        sends: [send('delete', 'c', [message('default', { $ref: '#/$defs/OrderDeskTypes' })])],
        uses: { 'class.do': doIt },
      },
      service('class', {
        schemas: { ...Object.fromEntries(names.map((name) => [name, object])), DoAnswer: object },
        operations: [doIt],
      }),
    )
    await project.write({ 'src/orders.contract.ts': source, 'src/use.ts': '' })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    expect(typesOf(source)).toEqual(
      expect.arrayContaining(['Record2', 'Promise2', 'Error', '_3ds', 'Class', 'Größe', 'AB', 'DoAnswer', 'DoAnswer2']),
    )
  })

  test("a provider's schema shares a type that is the same, and is called after the provider where it is not", () => {
    const inner = { type: 'object', properties: { a: { $ref: '#/$defs/Deep' } } }
    const get = operation('get', 'GET', '/x', {
      answers: { 200: { $ref: '#/$defs/Same' }, 201: { $ref: '#/$defs/Other' }, 202: { $ref: '#/$defs/Near' } },
    })
    const deep = { type: 'object', properties: { d: { type: 'string' } } }
    const own = {
      Same: { type: 'object', properties: { s: true } },
      Other: { type: 'object', properties: { own: true } },
      Near: inner,
      Deep: deep,
    }
    const theirs = {
      ...own,
      Other: { type: 'object', properties: { theirs: true } },
      Deep: { type: 'object', properties: { d: { type: 'number' } } },
    }
    const source = text(
      {
        schemas: own,
        sends: [
          send(
            's',
            'c',
            Object.keys(own).map((name) => message(`${name}Sent`, { $ref: `#/$defs/${name}` })),
          ),
        ],
        uses: { 'pay.get': get },
      },
      service('pay', { schemas: theirs, operations: [get] }),
    )
    expect(typesOf(source).filter((name) => !/Types|Input|Answer/.test(name))).toEqual([
      'Same',
      'Other',
      'Near',
      'Deep',
      'PayOther',
      'PayNear',
      'PayDeep',
    ])
  })

  test('inner schemas with a title get types of their own; plain strings do not', () => {
    const source = text({
      sends: [
        send('s', 'c', [
          message('placed', {
            type: 'object',
            properties: {
              card: { title: 'Payment card', type: 'object', properties: { no: { title: 'Number', type: 'string' } } },
              spare: { title: 'Payment card', type: 'object', properties: { no: { title: 'Number', type: 'string' } } },
              kind: { title: 'Kind', enum: ['a', 'b'] },
            },
          }),
        ]),
      ],
    })
    expect(typesOf(source)).toEqual(['Placed', 'PaymentCard', 'Kind', 'OrderDeskTypes'])
  })

  test('recursion through members, arrays, choices and aliases compiles', async () => {
    const source = text({
      schemas: {
        Tree: {
          type: 'object',
          properties: {
            kids: { type: 'array', items: { $ref: '#/$defs/Tree' } },
            by: { additionalProperties: { $ref: '#/$defs/Tree' } },
          },
        },
        Json: {
          anyOf: [
            { type: ['string', 'number', 'boolean', 'null'] },
            { type: 'array', items: { $ref: '#/$defs/Json' } },
            { type: 'object', additionalProperties: { $ref: '#/$defs/Json' } },
          ],
        },
        Ping: { anyOf: [{ $ref: '#/$defs/Pong' }, { type: 'string' }] },
        Pong: { anyOf: [{ $ref: '#/$defs/Ping' }, { type: 'number' }] },
        Self: { $ref: '#/$defs/Self' },
        Both: { allOf: [{ $ref: '#/$defs/Both' }, { type: 'object', properties: { a: { $ref: '#/$defs/Both' } } }] },
        Titled: { oneOf: [{ title: 'Wrapped', allOf: [{ $ref: '#/$defs/Titled' }] }, { type: 'null' }] },
        Pair: {
          type: 'array',
          prefixItems: [{ $ref: '#/$defs/Pair' }, { anyOf: [{ $ref: '#/$defs/Tree' }, { type: 'null' }] }],
        },
      },
      sends: [
        send(
          's',
          'c',
          ['Tree', 'Json', 'Ping', 'Pong', 'Both', 'Titled', 'Pair'].map((name) =>
            message(name, { $ref: `#/$defs/${name}` }),
          ),
        ),
      ],
    })
    await project.write({ 'src/orders.contract.ts': source, 'src/use.ts': '' })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
  })
})

describe('bodies and answers', () => {
  test('text and bytes, several media types, headers, optional bodies', async () => {
    const location = placeOrder.location
    const media = (contentType: string, schema?: object) => ({
      contentType,
      json: contentType.includes('json'),
      ...(schema === undefined ? {} : { schema: schemaAt({ ...schema }) }),
    })
    const header = (name: string, required: boolean) => ({ name, required, schema: schemaAt({ type: 'integer' }) })
    const upload = operation('upload', 'PUT', '/files', {
      more: {
        requestBody: {
          required: false,
          location,
          content: [
            media('application/json', { type: 'string' }),
            media('application/merge-patch+json', { type: 'number' }),
            media('text/plain'),
          ],
        },
        responses: {
          200: { status: '200', headers: [], location, content: [media('text/csv')] },
          201: {
            status: '201',
            headers: [header('Location', true), header('Retry-After', false)],
            location,
            content: [media('application/pdf')],
          },
          206: { status: '206', headers: [], location, content: [media('application/json')] },
          '2XX': { status: '2XX', headers: [], location, content: [] },
          '5XX': { status: '5XX', headers: [], location, content: [] },
          default: { status: 'default', headers: [], location, content: [media('application/problem+json', PROBLEM)] },
        },
      },
    })
    const source = generateService(
      system('shop', [service('files', { operations: [upload], uses: { 'files.upload': upload } })]),
      'files',
    )
    await project.write({ 'src/orders.contract.ts': source, 'src/use.ts': '' })
    expect(await project.typeCheck(STRICTEST)).toEqual([])
    expect(source).toContain('export type UploadBody = string | number\n')
    expect(source).toContain(`{ status: 200; headers?: Record<string, string>; body: string }`)
    expect(source).toContain(
      `{ status: 201; headers: { location: string; 'retry-after'?: string } & Record<string, string>; body: Uint8Array }`,
    )
    expect(source).toContain(`{ status: 206; headers?: Record<string, string>; body: unknown }`)
    expect(source).toContain(
      `{ status: Exclude<SuccessStatus, 200 | 201 | 206>; headers?: Record<string, string>; body?: undefined }`,
    )
    expect(source).toContain(`{ status: Exclude<HttpStatus, 200 | 201 | 206 | SuccessStatus | ServerErrorStatus>`)
    expect(source).toContain(`contentTypes: ['application/json', 'application/merge-patch+json', 'text/plain']`)
    expect(source).toContain(`'201': { contentType: 'application/pdf', headers: ['location', 'retry-after'] }`)
  })
})

test('a whole file, to be read', async () => {
  await expect(generateService(shop(), 'orders')).toMatchFileSnapshot(
    join(import.meta.dirname, 'fixtures/orders.contract.golden'),
  )
})
