import type { Shape } from '../shape/shape.ts'
import { duration, probeExpression, reference } from './common.ts'

export const xProbe: Shape = {
  title: 'x-probe',
  description: 'How an outsider can see the effect of an operation; for tests. Best kept in a sidecar.',
  examples: [
    {
      marker: '$request.body#/reference',
      read: { operation: 'listOrders', parameters: { reference: '$marker' } },
      count: '$response.body#/total',
      settles: 'PT10S',
    },
  ],
  type: 'object',
  additionalProperties: false,
  properties: {
    marker: {
      ...probeExpression,
      description: 'Where a unique value of the tester goes.',
      examples: ['$request.body#/reference'],
    },
    read: {
      type: 'object',
      description: 'What to ask to see the effect.',
      required: ['operation'],
      additionalProperties: false,
      examples: [{ operation: 'listOrders', parameters: { reference: '$marker' } }],
      properties: {
        operation: { ...reference, examples: ['listOrders'] },
        parameters: { type: 'object', examples: [{ reference: '$marker' }] },
      },
    },
    count: {
      ...probeExpression,
      description: 'How many effects the answer shows.',
      examples: ['$response.body#/total'],
    },
    settles: { ...duration, description: 'After how long the effect can be seen.', examples: ['PT10S'] },
    emits: {
      type: 'object',
      description: 'A message that shows the effect.',
      required: ['channel'],
      additionalProperties: false,
      examples: [{ channel: 'orders.placed', times: 1 }],
      properties: {
        channel: { type: 'string', minLength: 1, description: 'Its address.', examples: ['orders.placed'] },
        message: { type: 'string', minLength: 1, description: 'Its name, where others go there too.' },
        where: { description: 'What the payload must match.' },
        times: { type: 'integer', minimum: 0, description: 'How often it is seen.', examples: [1] },
      },
    },
    order: {
      type: 'object',
      description: 'What to ask to see in which order the effects of one ordering key came.',
      required: ['operation', 'list'],
      additionalProperties: false,
      examples: [{ operation: 'listByOrder', parameters: { orderId: '$key' }, list: '$response.body#/references' }],
      properties: {
        operation: { ...reference, examples: ['listByOrder'] },
        parameters: { type: 'object', examples: [{ orderId: '$key' }] },
        list: {
          ...probeExpression,
          description: 'Where the answer lists the markers, the oldest effect first.',
          examples: ['$response.body#/references'],
        },
      },
    },
    follows: {
      ...reference,
      description:
        'An operation of the same service that has to happen first, for the same key: its example is sent before.',
      examples: ['reserveStock'],
    },
    example: { description: 'An input that works.' },
    failure: { description: 'An input that fails.' },
    outcomes: {
      type: 'object',
      description: 'Of accepted work: an input for each outcome that it can end in.',
      examples: [{ rejected: { reference: 'probe', sku: 'sold-out' } }],
    },
    poison: { description: 'A message that no consumer can handle.' },
    cleanup: { description: 'What removes the effect again.' },
  },
}
