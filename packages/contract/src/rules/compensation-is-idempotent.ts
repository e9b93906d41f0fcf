import { compensations } from './compensation-exists.ts'
import { nameOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const compensationIsIdempotent: Rule = {
  id: 'compensation-is-idempotent',
  severity: 'error',
  area: 'compensation',
  formats: ['openapi', 'asyncapi'],
  law: 'undoing twice is undoing once',
  why:
    'Undoing is asked for when things go wrong, which is when messages are repeated. A refund that runs twice gives the ' +
    'money back twice.',
  fix: 'declare `idempotency` with a key on the compensating operation',
  *check({ system }) {
    for (const { operation, ref } of compensations(system)) {
      const { values, declared } = operation.guarantees
      if (operation.kind === 'send' || values.idempotency !== 'none') continue
      yield {
        at: declared.idempotency ?? operation.location,
        subject: nameOf(operation),
        message: `\`${nameOf(operation)}\` undoes \`${ref}\` and is not idempotent`,
      }
    }
  },
}
