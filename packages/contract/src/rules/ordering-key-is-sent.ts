import { isDeepStrictEqual } from 'node:util'
import { expressionText } from '../guarantees/expression.ts'
import type { Guarantees } from '../model/guarantees.ts'
import { nameOf, receivesOf, sendersOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const orderingKeyIsSent: Rule = {
  id: 'ordering-key-is-sent',
  severity: 'error',
  area: 'ordering',
  formats: ['asyncapi'],
  law: 'a consumer orders by what the producer orders by',
  why:
    'The producer decides which messages stay in one line: it computes the ordering key. A consumer that orders by ' +
    'something else gets messages of one of its keys from several lines at once, in any order.',
  fix: 'let both order by the same expression',
  *check({ system }) {
    for (const receive of receivesOf(system)) {
      const { ordering } = receive.guarantees.values
      const at = receive.guarantees.declared.ordering
      if (at === undefined || ordering === 'none') continue
      for (const { type } of receive.messages) {
        const other = sendersOf(system, receive.channel, type).find(({ send }) =>
          differs(send.guarantees.values, ordering),
        )
        // A sender without any order is reported while the system is read: nothing could run it.
        if (other === undefined) continue
        const sent = other.send.guarantees.values.ordering
        yield {
          at,
          subject: nameOf(receive),
          message: `\`${receive.operation}\` orders by ${shown(ordering)}, and \`${nameOf(other.send)}\` sends \`${other.message.message}\` by ${shown(sent)}`,
          fix: 'let both order by the same expression',
        }
        break
      }
    }
  },
}

function differs({ ordering: sent }: Guarantees, wanted: Guarantees['ordering']): boolean {
  if (sent === 'none' || sent === 'total') return false
  // What the producer computed travels in this attribute: whoever orders by it orders as the producer does.
  if (typeof wanted === 'object' && wanted.by.source === 'event' && wanted.by.attribute === 'partitionkey') return false
  return wanted === 'total' || !isDeepStrictEqual(sent, wanted)
}

function shown(ordering: Guarantees['ordering']): string {
  if (typeof ordering === 'string') return `\`${ordering}\``
  return `\`${expressionText(ordering.by)}\``
}
