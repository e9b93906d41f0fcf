import type { Shape } from '../shape/shape.ts'
import { duration, expression } from './common.ts'

export const idempotency: Shape = {
  title: 'idempotency',
  description:
    'What makes two attempts one. `natural`: the operation can run any number of times with the effect of once. `none`: every attempt counts. An object: attempts with one key are one.',
  examples: [
    { key: '$request.header.Idempotency-Key', scope: 'caller', retention: 'P7D', onOverlap: 'wait' },
    { key: '$message.payload#/orderId', retention: 'P30D' },
    'natural',
  ],
  anyOf: [
    {
      enum: ['natural', 'none'],
      'x-synonyms': {
        safe: 'natural',
        idempotent: 'natural',
        true: 'natural',
        false: 'none',
        'exactly-once': 'natural',
      },
    },
    {
      type: 'object',
      required: ['key'],
      additionalProperties: false,
      properties: {
        key: {
          ...expression,
          description: 'Where the key is read from.',
          examples: ['$request.header.Idempotency-Key'],
        },
        required: {
          type: 'boolean',
          description: 'Whether an attempt without a key is refused (HTTP 400, a dead letter).',
          default: true,
          examples: [true],
        },
        scope: {
          description:
            "Whose keys are kept apart: those of each caller, of each tenant, nobody's (`global`), or by an expression.",
          default: 'caller',
          examples: ['caller', { by: '$request.body#/merchant' }],
          anyOf: [
            {
              enum: ['caller', 'tenant', 'global'],
              'x-synonyms': {
                user: 'caller',
                client: 'caller',
                account: 'tenant',
                organisation: 'tenant',
                service: 'global',
                all: 'global',
              },
            },
            {
              type: 'object',
              required: ['by'],
              additionalProperties: false,
              properties: { by: { ...expression, examples: ['$request.body#/merchant'] } },
            },
          ],
        },
        fingerprint: {
          ...expression,
          description: 'What must be equal for a second attempt to be the same one. The whole payload if absent.',
          examples: ['$request.body#/lines'],
        },
        retention: {
          ...duration,
          description: 'How long a key is remembered, from its first completion.',
          default: 'P7D on operations, P30D on messages',
          examples: ['P7D'],
        },
        onOverlap: {
          description:
            "What a second copy gets while the first is still running: `reject` answers 409, `wait` gives it the first one's outcome. On messages it always waits.",
          enum: ['reject', 'wait'],
          default: 'reject',
          examples: ['wait'],
          'x-synonyms': {
            queue: 'wait',
            block: 'wait',
            join: 'wait',
            conflict: 'reject',
            fail: 'reject',
            error: 'reject',
            refuse: 'reject',
          },
        },
        onMismatch: {
          description: 'What the same key with another payload gets: `reject` answers 422, `replay` the first answer.',
          enum: ['reject', 'replay'],
          default: 'reject',
          examples: ['reject'],
          'x-synonyms': { ignore: 'replay', error: 'reject', fail: 'reject', refuse: 'reject' },
        },
        remembers: {
          description:
            'Which outcomes are replayed. `final`: 2xx, and 4xx except 401, 403, 408, 409, 425 and 429. `success`: 2xx. `all`: every answer.',
          enum: ['final', 'success', 'all'],
          default: 'final',
          examples: ['final'],
          'x-synonyms': { any: 'all', everything: 'all', ok: 'success', '2xx': 'success' },
        },
      },
    },
  ],
}
