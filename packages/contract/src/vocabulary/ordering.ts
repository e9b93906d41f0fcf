import type { Shape } from '../shape/shape.ts'
import { expression } from './common.ts'

export const ordering: Shape = {
  title: 'ordering',
  description:
    'Which messages arrive in the order they were sent: none, all of the channel (`total`), or those with one value of an expression.',
  examples: [{ by: '$message.payload#/orderId' }, 'none'],
  anyOf: [
    {
      enum: ['none', 'total'],
      'x-synonyms': { global: 'total', all: 'total', fifo: 'total', strict: 'total', unordered: 'none' },
    },
    {
      type: 'object',
      required: ['by'],
      additionalProperties: false,
      properties: {
        by: { ...expression, description: 'The ordering key.', examples: ['$message.payload#/orderId'] },
      },
    },
  ],
}
