import { asDuration, inWords, redeliverySpan } from './durations.ts'
import { nameOf, receivesOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const retentionCoversRedelivery: Rule = {
  id: 'retention-covers-redelivery',
  severity: 'error',
  area: 'idempotency',
  formats: ['asyncapi'],
  law: 'a consumer remembers a key for as long as its message may come again',
  why:
    'A key that is forgotten suppresses nothing. A message can come again as long as it is retried, kept as a dead ' +
    'letter that somebody may replay, or kept by the transport. If the retention is shorter than all of these ' +
    'together, a replay on the last day runs the effects a second time.',
  fix: 'make `idempotency.retention` longer, or `deadLetter.retention` shorter',
  *check({ system }) {
    for (const receive of receivesOf(system)) {
      const { values, declared } = receive.guarantees
      const at = declared.idempotency
      if (at === undefined || typeof values.idempotency === 'string') continue
      const span = redeliverySpan(system, values, receive.channel)
      const { retentionMs } = values.idempotency
      if (retentionMs >= span.ms) continue
      yield {
        at,
        subject: nameOf(receive),
        message: `\`${receive.operation}\` forgets a key after ${inWords(retentionMs)}, and its message may come again for ${inWords(span.ms)}: ${span.words}`,
        fix: `write \`retention: ${asDuration(span.ms)}\` or longer, or a shorter \`deadLetter.retention\``,
      }
    }
  },
}
