import type { Shape } from '../shape/shape.ts'
import { duration, reference } from './common.ts'

export const style: Shape = {
  description: 'How two services are integrated.',
  enum: ['rpc', 'messaging', 'file', 'database'],
  examples: ['messaging'],
  'x-synonyms': {
    http: 'rpc',
    rest: 'rpc',
    sync: 'rpc',
    async: 'messaging',
    event: 'messaging',
    events: 'messaging',
    message: 'messaging',
    queue: 'messaging',
    db: 'database',
    shared: 'database',
    files: 'file',
    ftp: 'file',
  },
}

const leapYear = '(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)'
const day = `(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|${leapYear}-02-29)`
const time = '([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)'

/** A calendar date, or a date and time, of RFC 3339; a day that is in the calendar. */
export const date: Shape = {
  title: 'an RFC 3339 date',
  type: 'string',
  pattern: `^${day}(T${time})?$`,
  'x-hint': 'write a day that exists, like `2027-01-31`',
}

export const xIntegration: Shape = {
  title: 'x-integration',
  description: 'Who answers for an integration, what kind it is, and why. On `info`, and on an operation to deviate.',
  examples: [{ owner: 'team-orders', style: 'rpc', reason: 'the shopper waits for the price', until: '2027-06-30' }],
  type: 'object',
  additionalProperties: false,
  properties: {
    owner: { type: 'string', minLength: 1, description: 'The team that answers for it.', examples: ['team-orders'] },
    style,
    reason: {
      type: 'string',
      minLength: 1,
      description: "Why; required where the style is not the system's default.",
      examples: ['the shopper waits for the price'],
    },
    until: { ...date, description: 'When a deviation ends.', examples: ['2027-06-30'] },
    process: {
      type: 'string',
      minLength: 1,
      description: 'The workflow this step belongs to.',
      examples: ['checkout'],
    },
    compensates: { ...reference, description: 'The operation that this one undoes.', examples: ['reserveStock'] },
    compatibility: {
      description: 'What a new revision keeps: old and new can read each other (`full`), new reads old (`backward`).',
      enum: ['full', 'backward', 'none'],
      examples: ['backward'],
    },
    notice: { ...duration, description: 'From deprecation to sunset.', examples: ['P90D'] },
    transform: {
      type: 'object',
      description: "How a consumer maps the provider's message to its own terms.",
      required: ['with'],
      additionalProperties: false,
      examples: [{ from: 'orders.orderPlaced', with: 'transforms/order-placed.ts' }],
      properties: {
        from: { ...reference, description: "The provider's message.", examples: ['orders.orderPlaced'] },
        with: {
          type: 'string',
          minLength: 1,
          description: 'The file that maps it.',
          examples: ['transforms/order-placed.ts'],
        },
      },
    },
  },
}
