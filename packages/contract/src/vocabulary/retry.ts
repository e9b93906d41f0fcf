import type { Shape } from '../shape/shape.ts'
import { duration } from './common.ts'

export const retry: Shape = {
  title: 'retry',
  description:
    'How often and how fast a failed attempt is repeated. On a receive operation: by the consumer. On an HTTP operation: what callers may do.',
  examples: [{ attempts: 5, backoff: 'exponential', delay: 'PT1S', maxDelay: 'PT5M' }, 'none'],
  anyOf: [
    { enum: ['none'], 'x-synonyms': { never: 'none', no: 'none', false: 'none' } },
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        attempts: {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          description: 'How many attempts there are in all, the first included.',
          default: 5,
          examples: [5],
        },
        backoff: {
          description: 'How the delay grows from one attempt to the next. Jitter is always added.',
          enum: ['exponential', 'linear', 'fixed'],
          default: 'exponential',
          examples: ['exponential'],
          'x-synonyms': { constant: 'fixed', none: 'fixed', expo: 'exponential' },
        },
        delay: { ...duration, description: 'Before the second attempt.', default: 'PT1S', examples: ['PT1S'] },
        maxDelay: { ...duration, description: 'The delay grows no further.', default: 'PT5M', examples: ['PT5M'] },
        on: {
          type: 'array',
          minItems: 1,
          description: 'HTTP only: statuses that may be retried, besides connection failures.',
          examples: [[503, 429]],
          items: {
            anyOf: [
              { type: 'integer', minimum: 400, maximum: 599 },
              {
                title: 'a class of statuses (`5XX`)',
                type: 'string',
                pattern: '^([45][0-9]{2}|[45]XX)$',
                'x-hint': 'write `503` or `5XX`',
              },
            ],
          },
        },
      },
    },
  ],
}
