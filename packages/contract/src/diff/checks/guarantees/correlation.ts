import type { Comparison } from '../../comparison.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { declared, expressionText, guaranteeReporter, samePlace } from './guarantee-pair.ts'

export const correlationRules = {
  'correlation-removed': {
    area: 'guarantee',
    level: 'breaking',
    law: 'what belongs together can no longer be told by the id its sender gave it',
    why: 'Journeys, logs and replies are matched by it.',
    fix: 'keep reading the correlation id from where it was',
  },
  'correlation-changed': {
    area: 'guarantee',
    level: 'breaking',
    law: 'a correlation id is looked for where its sender does not put it',
    why: 'Each request becomes a journey of its own, and nothing fails.',
    fix: 'keep the place, and read the new one, too',
  },
  'correlation-added': {
    area: 'guarantee',
    level: 'minor',
    law: 'an id that a sender gives is carried on now',
    why: 'Nobody has to give one.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

export function checkCorrelation(pair: GuaranteePair, comparison: Comparison): void {
  const [had, has] = declared(pair, 'correlation')
  const before = had ? expressionText(pair.base.correlation) : undefined
  const after = has ? expressionText(pair.revision.correlation) : undefined
  if (samePlace(before, after)) return
  const report = guaranteeReporter(correlationRules, 'correlation', pair, comparison)
  if (after === undefined) report('correlation-removed', '', `${before} is no longer carried`, before)
  else if (before === undefined) report('correlation-added', '', `${after} is carried now`, undefined, after)
  else report('correlation-changed', '', `it is read from ${after} now, and was from ${before}`, before, after)
}
