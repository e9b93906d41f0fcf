import type { Comparison } from '../../comparison.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { guaranteeReporter } from './guarantee-pair.ts'

export const pushRules = {
  'push-removed': {
    area: 'guarantee',
    level: 'breaking',
    law: 'who was told is told no more, and has to ask again and again',
    why: 'A consumer that listens hears nothing, which looks as if nothing happened.',
    fix: 'keep the push; deprecate what it refers to first',
  },
  'push-changed': {
    area: 'guarantee',
    level: 'breaking',
    law: 'what is pushed another way, or elsewhere, does not reach those who listen',
    why: 'They listen where the contract said.',
    fix: 'push both ways until the listeners have moved',
  },
  'push-added': {
    area: 'guarantee',
    level: 'minor',
    law: 'who had to ask can be told',
    why: 'Asking still works.',
    fix: 'nothing to do',
  },
} as const satisfies Record<string, DiffRule>

export function checkPush(pair: GuaranteePair, comparison: Comparison): void {
  const text = (one: typeof pair.base.push): string | undefined => one && `${one.by} ${one.ref}`
  const before = text(pair.base.push)
  const after = text(pair.revision.push)
  if (before === after) return
  const report = guaranteeReporter(pushRules, 'push', pair, comparison)
  if (after === undefined) report('push-removed', '', `\`${before}\` is no longer promised`, before)
  else if (before === undefined) report('push-added', '', `\`${after}\` is promised now`, undefined, after)
  else report('push-changed', '', `it is \`${after}\` now, and was \`${before}\``, before, after)
}
