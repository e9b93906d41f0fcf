import { nameOf, receivesOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const receiveWithoutFailureHandling: Rule = {
  id: 'receive-without-failure-handling',
  severity: 'warning',
  area: 'failure',
  formats: ['asyncapi'],
  law: 'a consumer says how often it tries, and where a message goes that always fails',
  why:
    'Sooner or later one message cannot be handled. Whoever operates the consumer then needs to know how often it is ' +
    'tried, where it goes, how long it is kept there and who may replay it. Not written down, it is decided at night.',
  fix: 'declare `retry` and `deadLetter`; `none` is an answer',
  *check({ system }) {
    for (const receive of receivesOf(system)) {
      const { declared } = receive.guarantees
      const missing = (['retry', 'deadLetter'] as const).filter((member) => declared[member] === undefined)
      if (missing.length === 0) continue
      yield {
        at: receive.location,
        subject: nameOf(receive),
        message: `\`${receive.operation}\` has no ${missing.map((one) => `\`${one}\``).join(' and no ')}`,
        fix: `declare ${missing.map((one) => `\`${one}\``).join(' and ')}; \`none\` is an answer`,
        absence: true,
      }
    }
  },
}
