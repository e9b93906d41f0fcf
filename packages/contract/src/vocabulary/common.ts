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

/** What expressions may look at is checked where they stand; this is their grammar. */
export const expression: Shape = {
  title: 'an expression',
  type: 'string',
  pattern:
    "^\\$(?:request\\.header\\.[!#$%&'*+.^_`|~0-9A-Za-z-]+|request\\.(?:query|path)\\.\\S+|request\\.(?:body|jwt)(?:#(?:/(?:[^~]|~[01])*)?)?|message\\.(?:payload|header)(?:#(?:/(?:[^~]|~[01])*)?)?|event\\.[a-z0-9]+)$",
  'x-hint':
    'write `$request.header.Idempotency-Key`, `$request.body#/orderId`, `$message.payload#/orderId`, `$event.id`, …',
}

/** `payments.quotePrice`, or `quotePrice` for one of the same service. */
export const reference: Shape = {
  title: 'a reference',
  type: 'string',
  pattern: '^[A-Za-z0-9_$-]+(?:\\.[A-Za-z0-9_$./-]+)?$',
  'x-hint': 'write `<service>.<operation>` or `<service>.<message>`, or one name of the same service',
}
