import type { Guarantees } from '../../../model/guarantees.ts'
import type { Comparison } from '../../comparison.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { declared, expressionText, guaranteeReporter, samePlace } from './guarantee-pair.ts'

export const orderingRules = {
  'ordering-weakened': {
    area: 'guarantee',
    level: 'breaking',
    law: 'messages that came in order may come out of it',
    why: 'A consumer that relies on the order takes an older state for the newer one.',
    fix: 'keep the order; where it is in the way, order by a finer key and say so in a new version',
  },
  'ordering-strengthened': {
    area: 'guarantee',
    level: 'minor',
    law: 'messages that came in any order come in one',
    why: 'Nobody relied on disorder. A message that fails may hold back others of its key.',
    fix: 'nothing to do',
  },
  'ordering-key-changed': {
    area: 'guarantee',
    level: 'breaking',
    law: 'what is in order by another key is out of order by the old one',
    why: 'Messages of one old key now have several new ones, which nothing keeps in order.',
    fix: 'keep the key; a coarser one is a change of the contract, too',
  },
} as const satisfies Record<string, DiffRule>

export function checkOrdering(pair: GuaranteePair, comparison: Comparison): void {
  const [had, has] = declared(pair, 'ordering')
  const before = had ? pair.base.values.ordering : 'none'
  const after = has ? pair.revision.values.ordering : 'none'
  const [old, now] = [text(before), text(after)]
  if (samePlace(old, now)) return
  const report = guaranteeReporter(orderingRules, 'ordering', pair, comparison)
  const message = `it is ${now} now, and was ${old}`
  if (rank(before) === rank(after)) report('ordering-key-changed', 'by', message, old, now)
  else report(rank(after) < rank(before) ? 'ordering-weakened' : 'ordering-strengthened', '', message, old, now)
}

function rank(ordering: Guarantees['ordering']): number {
  return ordering === 'none' ? 0 : ordering === 'total' ? 2 : 1
}

function text(ordering: Guarantees['ordering']): string {
  return typeof ordering === 'string' ? ordering : `by ${expressionText(ordering.by)}`
}
