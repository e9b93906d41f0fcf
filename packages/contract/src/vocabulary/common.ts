import type { Shape } from '../shape/shape.ts'

/** ISO 8601, at least one part. A year counts 365 days, a month 30. */
export const duration: Shape = {
  title: 'an ISO 8601 duration',
  type: 'string',
  pattern:
    '^P(?!$)(?:\\d+(?:\\.\\d+)?Y)?(?:\\d+(?:\\.\\d+)?M)?(?:\\d+(?:\\.\\d+)?W)?(?:\\d+(?:\\.\\d+)?D)?(?:T(?=\\d)(?:\\d+(?:\\.\\d+)?H)?(?:\\d+(?:\\.\\d+)?M)?(?:\\d+(?:\\.\\d+)?S)?)?$',
  'x-number-as': 'PT{}S',
  'x-hint': 'write it like `PT30S`, `PT5M`, `PT24H` or `P7D`',
}

const header = "header\\.[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const pointer = '(?:#(?:/(?:[^~]|~[01])*)?)?'
const places = [
  `request\\.${header}`,
  'request\\.(?:query|path)\\.\\S+',
  `request\\.(?:body|jwt)${pointer}`,
  `message\\.(?:payload|header)${pointer}`,
  'event\\.[a-z0-9]+',
]

/** What expressions may look at is checked where they stand; this is their grammar. */
export const expression: Shape = {
  title: 'an expression',
  type: 'string',
  pattern: `^\\$(?:${places.join('|')})$`,
  'x-hint':
    'write `$request.header.Idempotency-Key`, `$request.body#/orderId`, `$message.payload#/orderId`, `$event.id`, …',
}

/** Probes may also look at answers: `$response.body#/items`. */
export const probeExpression: Shape = {
  title: 'an expression',
  type: 'string',
  pattern: `^\\$(?:${[...places, `response\\.${header}`, `response\\.body${pointer}`].join('|')})$`,
  'x-hint': 'write `$request.body#/reference`, `$response.body#/total`, …',
}

/** `payments.quotePrice`, or `quotePrice` for one of the same service. */
export const reference: Shape = {
  title: 'a reference',
  type: 'string',
  pattern: '^[A-Za-z0-9_$-]+(?:\\.[A-Za-z0-9_$./-]+)?$',
  'x-hint': 'write `<service>.<operation>` or `<service>.<message>`, or one name of the same service',
}
