import { allOf, nameOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const retryNeedsIdempotency: Rule = {
  id: 'retry-needs-idempotency',
  severity: 'error',
  area: 'idempotency',
  formats: ['openapi', 'asyncapi'],
  law: 'what may be retried is idempotent',
  why:
    'A retry is sent when the answer was lost, and nobody knows whether the request was. Without a key, and without an ' +
    'effect that is idempotent by nature, each retry that follows a lost answer does the work again.',
  fix: 'declare `idempotency` with a key, or write `retry: none`',
  *check({ system }) {
    for (const service of servicesOf(system)) {
      for (const operation of allOf(service)) {
        const { values, declared } = operation.guarantees
        if (operation.kind === 'send' || values.retry === 'none' || values.idempotency !== 'none') continue
        if (declared.retry === undefined) continue
        const safe = operation.kind === 'http' && ['QUERY', 'CONNECT'].includes(operation.method)
        if (safe) continue
        const said = declared.idempotency === undefined ? 'says nothing of idempotency' : 'has `idempotency: none`'
        yield {
          at: declared.retry,
          subject: nameOf(operation),
          message: `\`${operation.operation}\` may be tried ${values.retry.attempts} times and ${said}`,
        }
      }
    }
  },
}
