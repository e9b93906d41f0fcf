import { allOf, isUnsafe, nameOf, servicesOf, shownName } from './operations.ts'
import type { Rule } from './rule.ts'

export const unsafeWithoutIdempotency: Rule = {
  id: 'unsafe-without-idempotency',
  severity: 'warning',
  area: 'idempotency',
  formats: ['openapi', 'asyncapi'],
  law: 'what changes something says what happens when it arrives twice',
  why:
    'Networks lose answers and transports deliver twice. A POST, a PATCH or a received message that says nothing about ' +
    'it leaves every caller to guess whether trying again is safe: some will not try and lose work, others will and do ' +
    'it twice. `idempotency: none` is an answer too.',
  fix: 'declare `idempotency`: a key, `natural`, or `none`',
  *check({ system }) {
    for (const service of servicesOf(system)) {
      for (const operation of allOf(service)) {
        const asked = operation.kind === 'http' ? isUnsafe(operation) : operation.kind === 'receive'
        if (!asked || operation.guarantees.declared.idempotency !== undefined) continue
        yield {
          at: operation.location,
          subject: nameOf(operation),
          message: `${shownName(operation)} does not say what happens when it arrives twice`,
          absence: true,
        }
      }
    }
  },
}
