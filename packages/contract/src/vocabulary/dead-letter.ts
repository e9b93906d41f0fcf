import type { Shape } from '../shape/shape.ts'
import { duration } from './common.ts'

export const deadLetter: Shape = {
  title: 'deadLetter',
  description:
    'Where a message goes that failed its last attempt, how long it stays there, and what happens to later messages of its key. `none`: it is discarded, and that is recorded.',
  examples: [{ retention: 'P14D', replay: 'manual', onPoison: 'hold-key' }, 'none'],
  anyOf: [
    { enum: ['none'], 'x-synonyms': { never: 'none', discard: 'none', drop: 'none', false: 'none' } },
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        channel: {
          type: 'string',
          minLength: 1,
          description: 'Address of a channel that also gets a copy.',
          examples: ['orders.dead'],
        },
        retention: { ...duration, description: 'From its death.', default: 'P14D', examples: ['P14D'] },
        replay: {
          description: 'Who may try again: a person, the runtime after an outage, nobody.',
          enum: ['manual', 'automatic', 'never'],
          default: 'manual',
          examples: ['manual'],
          'x-synonyms': { auto: 'automatic', none: 'never', no: 'never', yes: 'manual' },
        },
        onPoison: {
          description:
            'What happens to later messages: those of its key wait (`hold-key`), those of its partition wait (`hold-all`), or they go on (`skip`).',
          enum: ['hold-key', 'hold-all', 'skip'],
          default: 'hold-key',
          examples: ['hold-key'],
          'x-synonyms': { hold: 'hold-key', block: 'hold-key', stop: 'hold-all', continue: 'skip', ignore: 'skip' },
        },
      },
    },
  ],
}
