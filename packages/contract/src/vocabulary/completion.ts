import type { Shape } from '../shape/shape.ts'
import { duration, reference } from './common.ts'

const outcomes: Shape = {
  title: 'an outcome or a list of them',
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
  ],
}

export const completion: Shape = {
  title: 'completion',
  description: 'How, and by when, an originator learns the outcome of work that was accepted but not yet done.',
  examples: [
    { by: 'status', ref: 'getOrder', success: 'completed', failure: 'rejected', within: 'PT2M' },
    { by: 'event', success: ['orderCompleted'], failure: ['orderRejected'], within: 'PT2M' },
  ],
  type: 'object',
  required: ['by'],
  additionalProperties: false,
  properties: {
    by: {
      description:
        'What tells: a message (`event`), the reply, an HTTP callback, a stream, or an operation to ask (`status`).',
      enum: ['event', 'reply', 'callback', 'stream', 'status'],
      examples: ['status'],
      'x-synonyms': {
        message: 'event',
        polling: 'status',
        poll: 'status',
        webhook: 'callback',
        sse: 'stream',
        response: 'reply',
      },
    },
    ref: { ...reference, description: 'The operation, message or callback that tells.', examples: ['getOrder'] },
    success: { ...outcomes, description: 'What it says when the work ended well.', examples: ['completed'] },
    failure: { ...outcomes, description: 'What it says when the work ended badly.', examples: ['rejected'] },
    within: { ...duration, description: 'By when one of them is observable.', examples: ['PT2M'] },
  },
}
