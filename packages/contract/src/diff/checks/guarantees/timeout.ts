import type { Comparison } from '../../comparison.ts'
import { duration } from '../../duration-text.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { declared, guaranteeReporter } from './guarantee-pair.ts'

export const timeoutRules = {
  'timeout-weakened': {
    area: 'guarantee',
    level: 'breaking',
    law: 'an answer may come later than was promised',
    why: 'Callers have set their own deadlines by it: they give up, and retry, while the work goes on.',
    fix: 'keep the time; answer 202 with a `completion` where the work takes longer',
  },
  'timeout-strengthened': {
    area: 'guarantee',
    level: 'minor',
    law: 'an answer, or a failure, comes sooner than was promised before',
    why: 'Nobody waited for the rest of the time.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

export function checkTimeout(pair: GuaranteePair, comparison: Comparison): void {
  const [had, has] = declared(pair, 'timeout')
  const before = had ? pair.base.values.timeoutMs : undefined
  const after = has ? pair.revision.values.timeoutMs : undefined
  if (before === after) return
  const report = guaranteeReporter(timeoutRules, 'timeout', pair, comparison)
  const said = (ms: number | undefined): string => (ms === undefined ? 'not promised' : duration(ms))
  const message = `it is ${said(after)} now, and was ${said(before)}`
  const weaker = (after ?? Infinity) > (before ?? Infinity)
  report(weaker ? 'timeout-weakened' : 'timeout-strengthened', '', message, said(before), said(after))
}
