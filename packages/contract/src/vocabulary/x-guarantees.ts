import type { Shape } from '../shape/shape.ts'
import { completion } from './completion.ts'
import { correlation } from './correlation.ts'
import { deadLetter } from './dead-letter.ts'
import { delivery } from './delivery.ts'
import { idempotency } from './idempotency.ts'
import { ordering } from './ordering.ts'
import { push } from './push.ts'
import { retry } from './retry.ts'
import { timeout } from './timeout.ts'

/** One schema a member; each file has its meaning and an example. */
export const members = {
  idempotency,
  delivery,
  ordering,
  timeout,
  retry,
  deadLetter,
  completion,
  push,
  correlation,
} as const

export const xGuarantees: Shape = {
  title: 'x-guarantees',
  description: 'What an operation promises. A member that is absent is not promised; the runtime still behaves.',
  examples: [{ idempotency: { key: '$request.header.Idempotency-Key', retention: 'P7D' }, timeout: 'PT5S' }],
  type: 'object',
  additionalProperties: false,
  properties: members,
}
