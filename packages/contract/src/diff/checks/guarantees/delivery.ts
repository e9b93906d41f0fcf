import type { Comparison } from '../../comparison.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { declared, guaranteeReporter } from './guarantee-pair.ts'

export const deliveryRules = {
  'delivery-weakened': {
    area: 'guarantee',
    level: 'breaking',
    law: 'a message that was promised to arrive may be lost',
    why: 'Whoever waits for it waits for ever, and nobody notices.',
    fix: 'keep `delivery: at-least-once`; make the consumers idempotent instead',
  },
  'delivery-strengthened': {
    area: 'guarantee',
    level: 'minor',
    law: 'a message that might be lost is promised to arrive',
    why: 'It may come twice now, with the same source and id: consumers that count should have `idempotency`.',
    fix: 'see that its consumers declare `idempotency`',
  },
} as const satisfies Record<string, DiffRule>

const strength = { none: 0, 'at-most-once': 1, 'at-least-once': 2 } as const

export function checkDelivery(pair: GuaranteePair, comparison: Comparison): void {
  const [had, has] = declared(pair, 'delivery')
  const before = had ? pair.base.values.delivery : 'none'
  const after = has ? pair.revision.values.delivery : 'none'
  if (before === after) return
  const report = guaranteeReporter(deliveryRules, 'delivery', pair, comparison)
  const weaker = strength[after] < strength[before]
  const said = (text: string): string => (text === 'none' ? 'not promised' : text)
  report(
    weaker ? 'delivery-weakened' : 'delivery-strengthened',
    '',
    `it is ${said(after)} now, and was ${said(before)}`,
    before,
    after,
  )
}
