/** A small shop whose orders call payments, in memory. */
import type { System } from '../../src/model/system.ts'
import { message, operation, parameter, receive, send, service, system } from './model-fixture.ts'

export const PROBLEM = { type: 'object', properties: { title: { type: 'string' } } }
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
export const placeOrder = operation('placeOrder', 'POST', '/orders', {
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

export function shop(): System {
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
