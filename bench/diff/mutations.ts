/** 60 changes of a contract, each with what it means to the other side, by variance alone. */

export interface Mutation {
  readonly name: string
  readonly group: 'HTTP request' | 'HTTP response' | 'message received' | 'message sent' | 'guarantee'
  readonly kind: 'openapi' | 'asyncapi'
  readonly breaks: boolean
  readonly base: unknown
  readonly revision: unknown
}

type Json = { [key: string]: unknown }

const schema = (): Json => ({
  type: 'object',
  required: ['id', 'state'],
  properties: {
    id: { type: 'string' },
    state: { type: 'string', enum: ['placed', 'paid'] },
    quantity: { type: 'integer', minimum: 1, maximum: 100 },
    note: { type: 'string' },
  },
})

const property = (all: Json, name: string): Json => (all['properties'] as Json)[name] as Json

/** A change of the schema; whether it breaks where the schema is received, and where it is sent. */
const changes: readonly (readonly [string, (all: Json) => void, boolean, boolean])[] = [
  ['a property becomes required', (all) => void (all['required'] as string[]).push('note'), true, false],
  ['a property is no longer required', (all) => void (all['required'] = ['id']), false, true],
  [
    'an optional property is new',
    (all) => void ((all['properties'] as Json)['gift'] = { type: 'boolean' }),
    false,
    false,
  ],
  ['an optional property is gone', (all) => void delete (all['properties'] as Json)['note'], false, false],
  [
    'a value of an enum is new',
    (all) => void (property(all, 'state')['enum'] = ['placed', 'paid', 'lost']),
    false,
    true,
  ],
  ['a value of an enum is gone', (all) => void (property(all, 'state')['enum'] = ['placed']), true, false],
  ['a maximum is lower', (all) => void (property(all, 'quantity')['maximum'] = 10), true, false],
  ['a maximum is higher', (all) => void (property(all, 'quantity')['maximum'] = 1000), false, true],
  ['a text becomes a number', (all) => void (property(all, 'note')['type'] = 'integer'), true, true],
  ['a value may be null', (all) => void (property(all, 'note')['type'] = ['string', 'null']), false, true],
  ['a pattern is new', (all) => void (property(all, 'id')['pattern'] = '^[a-z]+$'), true, false],
  [
    'a type becomes an equal anyOf',
    (all) => void ((all['properties'] as Json)['note'] = { anyOf: [{ type: 'string' }] }),
    false,
    false,
  ],
]

function openapi(request: Json, response: Json, guarantees?: Json): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Orders', version: '1.0.0' },
    security: [{ key: [] }],
    paths: {
      '/orders': {
        post: {
          operationId: 'placeOrder',
          ...(guarantees === undefined ? {} : { 'x-guarantees': guarantees }),
          requestBody: { required: true, content: { 'application/json': { schema: request } } },
          responses: { 201: { description: 'Placed', content: { 'application/json': { schema: response } } } },
        },
        get: { operationId: 'listOrders', responses: { 200: { description: 'All of them' } } },
      },
    },
    components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } } },
  }
}

function asyncapi(action: 'send' | 'receive', payload: Json, guarantees?: Json): Json {
  return {
    asyncapi: '3.0.0',
    info: { title: 'Orders', version: '1.0.0' },
    channels: { orders: { address: 'shop.orders', messages: { orderPlaced: { payload } } } },
    operations: {
      onOrder: {
        action,
        channel: { $ref: '#/channels/orders' },
        ...(guarantees === undefined ? {} : { 'x-guarantees': guarantees }),
      },
    },
  }
}

const groups = [
  ['HTTP request', 'openapi', (one: Json) => openapi(one, schema()), 0],
  ['HTTP response', 'openapi', (one: Json) => openapi(schema(), one), 1],
  ['message received', 'asyncapi', (one: Json) => asyncapi('receive', one), 0],
  ['message sent', 'asyncapi', (one: Json) => asyncapi('send', one), 1],
] as const

const schemas = groups.flatMap(([group, kind, document, direction]) =>
  changes.map(([name, change, received, sent]): Mutation => {
    const changed = schema()
    change(changed)
    const breaks = direction === 0 ? received : sent
    return { name, group, kind, breaks, base: document(schema()), revision: document(changed) }
  }),
)

const key = { key: '$request.header.Idempotency-Key', retention: 'P7D' }
const within = { by: 'status', ref: 'listOrders', success: ['done'], failure: ['failed'], within: 'PT15M' }
const order = { delivery: 'at-least-once', ordering: { by: '$message.payload#/id' } }

const http: readonly (readonly [string, Json, Json, boolean])[] = [
  ['idempotency is gone', { timeout: 'PT5S', idempotency: key }, { timeout: 'PT5S' }, true],
  ['keys are remembered for less time', { idempotency: key }, { idempotency: { ...key, retention: 'P1D' } }, true],
  ['keys are remembered for longer', { idempotency: key }, { idempotency: { ...key, retention: 'P30D' } }, false],
  ['a key becomes required', { idempotency: { ...key, required: false } }, { idempotency: key }, true],
  ['a timeout is longer', { timeout: 'PT5S' }, { timeout: 'PT30S' }, true],
  ['a timeout is shorter', { timeout: 'PT5S' }, { timeout: 'PT2S' }, false],
  ['an outcome comes later', { completion: within }, { completion: { ...within, within: 'PT1H' } }, true],
  ['an outcome is new', { completion: within }, { completion: { ...within, failure: ['failed', 'expired'] } }, true],
]
const messages: readonly (readonly [string, Json, Json, boolean])[] = [
  ['delivery may lose messages', order, { ...order, delivery: 'at-most-once' }, true],
  ['the order is gone', order, { delivery: 'at-least-once' }, true],
  [
    'dead letters are kept for less time',
    { deadLetter: { retention: 'P14D' } },
    { deadLetter: { retention: 'P1D' } },
    true,
  ],
  [
    'dead letters are kept for longer',
    { deadLetter: { retention: 'P14D' } },
    { deadLetter: { retention: 'P30D' } },
    false,
  ],
]

const guarantees = [
  ...http.map(([name, before, after, breaks]): Mutation => {
    const document = (one: Json): Json => openapi(schema(), schema(), one)
    return { name, group: 'guarantee', kind: 'openapi', breaks, base: document(before), revision: document(after) }
  }),
  ...messages.map(([name, before, after, breaks]): Mutation => {
    const document = (one: Json): Json => asyncapi('deadLetter' in one ? 'receive' : 'send', schema(), one)
    return { name, group: 'guarantee', kind: 'asyncapi', breaks, base: document(before), revision: document(after) }
  }),
]

export const mutations: readonly Mutation[] = [...schemas, ...guarantees]
