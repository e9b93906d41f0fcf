import type { HttpOperation } from '../model/operation.ts'
import type { System } from '../model/system.ts'
import type { Span } from './durations.ts'
import { asDuration, inWords, redeliverySpan, retrySpan } from './durations.ts'
import { httpOf, nameOf, servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

const MINUTE = 60_000

/** Standard Webhooks: the last of its recommended attempts comes 75 h 35 min after the first. */
const STANDARD_WEBHOOKS = (75 * 60 + 35) * MINUTE

export const retentionCoversCallerRetry: Rule = {
  id: 'retention-covers-caller-retry',
  severity: 'error',
  area: 'idempotency',
  formats: ['openapi', 'asyncapi', 'spandrel'],
  law: 'a server remembers a key for as long as its callers repeat the request',
  why:
    'A caller repeats a request with the same key until it gives up. When that is a consumer that calls out while it ' +
    'handles a message, it gives up only when the dead letter is gone. Who receives Standard Webhooks is tried again ' +
    'for 75 h 35 min. If the server has forgotten the key by then, the repetition is a new request.',
  fix: 'make `idempotency.retention` longer, or let the caller give up sooner',
  *check({ system }) {
    for (const operation of httpOf(system)) {
      const { idempotency } = operation.guarantees.values
      const at = operation.guarantees.declared.idempotency
      if (at === undefined || typeof idempotency === 'string') continue
      const [longest] = callers(operation, system).sort((a, b) => b.ms - a.ms)
      if (longest === undefined || idempotency.retentionMs >= longest.ms) continue
      yield {
        at,
        subject: nameOf(operation),
        message: `\`${operation.operation}\` forgets a key after ${inWords(idempotency.retentionMs)}, and ${longest.words}`,
        fix: `write \`retention: ${asDuration(longest.ms)}\` or longer`,
      }
    }
  },
}

function callers(operation: HttpOperation, system: System): Span[] {
  const found: Span[] = []
  const { values } = operation.guarantees
  if (values.retry !== 'none') {
    const ms = retrySpan(values)
    found.push({ ms, words: `its callers may repeat it for ${inWords(ms)} (\`retry\`)` })
  }
  if (receivesWebhooks(operation)) {
    found.push({ ms: STANDARD_WEBHOOKS, words: 'Standard Webhooks are repeated for 75 h 35 min' })
  }
  for (const consumer of servicesOf(system)) {
    const use = Object.hasOwn(consumer.uses, nameOf(operation)) ? consumer.uses[nameOf(operation)] : undefined
    if (use === undefined) continue
    for (const receive of Object.values(consumer.receives)) {
      if (use.in !== undefined && !use.in.includes(receive.operation)) continue
      // Only a handler that acts outside its transaction calls out under the message's key.
      if (receive.effects !== 'external') continue
      const { ms, words } = redeliverySpan(system, receive.guarantees.values, receive.channel)
      found.push({ ms, words: `\`${nameOf(receive)}\`, which calls it, may repeat it for ${inWords(ms)}: ${words}` })
    }
  }
  return found
}

function receivesWebhooks({ parameters, guarantees }: HttpOperation): boolean {
  const { idempotency } = guarantees.values
  const isId = (name: string): boolean => name.toLowerCase() === 'webhook-id'
  if (parameters.some(({ name, in: place }) => place === 'header' && isId(name))) return true
  return typeof idempotency === 'object' && 'name' in idempotency.key && isId(idempotency.key.name)
}
