import { nameOf, sendsOf, servicesOf, allOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const deliveryMeetsCompletion: Rule = {
  id: 'delivery-meets-completion',
  severity: 'error',
  area: 'delivery',
  formats: ['openapi', 'asyncapi'],
  law: 'what may be lost carries no promise of an outcome',
  why:
    '`delivery: at-most-once` allows a message to be lost. If the outcome of accepted work depends on such a message, ' +
    'either the request or its outcome, nobody can promise that the outcome is ever known.',
  fix: 'write `delivery: at-least-once`, or remove `completion`',
  *check({ system }) {
    const promised = new Map<string, string>()
    for (const service of servicesOf(system)) {
      for (const operation of allOf(service)) {
        const { completion, values, declared } = operation.guarantees
        if (completion === undefined) continue
        if (operation.kind !== 'http' && values.delivery === 'at-most-once') {
          yield {
            at: declared.delivery ?? operation.location,
            subject: nameOf(operation),
            message: `\`${operation.operation}\` promises an outcome, and may itself be lost (\`at-most-once\`)`,
          }
        }
        if (completion.by !== 'event') continue
        for (const outcome of [completion.ref, ...completion.success, ...completion.failure]) {
          if (outcome !== undefined) promised.set(outcome.split('.').at(-1) ?? outcome, nameOf(operation))
        }
      }
    }
    for (const send of sendsOf(system)) {
      const outcome = send.messages.find(({ message }) => promised.has(message))
      if (send.guarantees.values.delivery !== 'at-most-once' || outcome === undefined) continue
      yield {
        at: send.guarantees.declared.delivery ?? send.location,
        subject: nameOf(send),
        message: `\`${outcome.message}\` is the outcome that \`${promised.get(outcome.message)}\` promises, and \`${nameOf(send)}\` may lose it (\`at-most-once\`)`,
      }
    }
  },
}
