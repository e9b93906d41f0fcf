import { nameOf, receivesOf } from './operations.ts'
import type { Rule } from './rule.ts'

export const orderingSurvivesRetry: Rule = {
  id: 'ordering-survives-retry',
  severity: 'error',
  area: 'ordering',
  formats: ['asyncapi'],
  law: 'where order is promised, a failing message holds back those behind it',
  why:
    'A message that fails is tried again later, or put aside. With `onPoison: skip` the messages behind it go ahead, ' +
    'and "cancelled" is handled before "placed". With `ordering: total` it is not enough to hold back the same key: ' +
    'every later message must wait.',
  fix: 'write `onPoison: hold-key` (or `hold-all` where ordering is `total`), or `ordering: none`',
  *check({ system }) {
    for (const receive of receivesOf(system)) {
      const { values, declared } = receive.guarantees
      if (declared.ordering === undefined || values.ordering === 'none' || values.deadLetter === 'none') continue
      const total = values.ordering === 'total'
      const { onPoison } = values.deadLetter
      if (onPoison === 'hold-all' || (onPoison === 'hold-key' && !total)) continue
      const what = total ? 'all messages in order' : 'the messages of a key in order'
      const how =
        onPoison === 'skip' ? 'lets later ones pass one that failed' : 'lets those of other keys pass one that failed'
      yield {
        at: declared.deadLetter ?? declared.ordering,
        subject: nameOf(receive),
        message: `\`${receive.operation}\` promises ${what}, and \`onPoison: ${onPoison}\` ${how}`,
        fix: `write \`onPoison: ${total ? 'hold-all' : 'hold-key'}\`, or \`ordering: none\``,
      }
    }
  },
}
