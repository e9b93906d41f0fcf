import type { Shape } from '../shape/shape.ts'
import { reference } from './common.ts'

export const push: Shape = {
  title: 'push',
  description: 'The push twin of a GET that others would otherwise have to ask again and again.',
  examples: [{ by: 'event', ref: 'orders.orderPlaced' }],
  type: 'object',
  required: ['by', 'ref'],
  additionalProperties: false,
  properties: {
    by: {
      description: 'What pushes: a webhook, a message, a stream, or captured changes of a database.',
      enum: ['webhook', 'event', 'stream', 'cdc'],
      examples: ['event'],
      'x-synonyms': { message: 'event', callback: 'webhook', sse: 'stream', websocket: 'stream' },
    },
    ref: { ...reference, description: 'The webhook, message or operation.', examples: ['orders.orderPlaced'] },
  },
}
