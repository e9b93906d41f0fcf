import type { DeadLetterGuarantee } from '../../../model/guarantees.ts'
import type { Comparison } from '../../comparison.ts'
import { duration } from '../../duration-text.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { declared, guaranteeReporter } from './guarantee-pair.ts'

export const deadLetterRules = {
  'dead-letter-weakened': {
    area: 'guarantee',
    level: 'breaking',
    law: 'a message that could not be handled is kept for less time, or can no longer be brought back',
    why: 'People count on the time they have to repair and replay. After it the message is gone. `onPoison: skip` lets later messages of a key pass the one that failed.',
    fix: 'keep the dead letters, their retention, their replay and `onPoison`',
  },
  'dead-letter-strengthened': {
    area: 'guarantee',
    level: 'minor',
    law: 'a message that could not be handled is kept for longer, or can be brought back',
    why: 'A replay may come later than before: the retention of `idempotency` has to cover it; `check` says whether it does.',
    fix: 'nothing to do',
  },
  'dead-letter-channel-changed': {
    area: 'guarantee',
    level: 'breaking',
    law: 'whoever watches the channel of the dead letters sees none any more',
    why: 'An empty dead-letter channel looks like health.',
    fix: 'keep the channel, or move its watchers first',
  },
} as const satisfies Record<string, DiffRule>

const replays = ['never', 'manual', 'automatic']
const poisons = ['skip', 'hold-key', 'hold-all']

export function checkDeadLetter(pair: GuaranteePair, comparison: Comparison): void {
  const [had, has] = declared(pair, 'deadLetter')
  const before = had ? pair.base.values.deadLetter : 'none'
  const after = has ? pair.revision.values.deadLetter : 'none'
  const report = guaranteeReporter(deadLetterRules, 'deadLetter', pair, comparison)
  if (before === 'none' || after === 'none') {
    if (before === after) return
    const text = (one: typeof before): string => (one === 'none' ? 'none' : `kept for ${duration(one.retentionMs)}`)
    const id = after === 'none' ? 'dead-letter-weakened' : 'dead-letter-strengthened'
    report(id, '', `${text(after)} now, and ${text(before)} before`, text(before), text(after))
    return
  }
  compareLetters(before, after, report)
}

function compareLetters(
  before: DeadLetterGuarantee,
  after: DeadLetterGuarantee,
  report: ReturnType<typeof guaranteeReporter<typeof deadLetterRules>>,
): void {
  const by = (less: boolean) => (less ? 'dead-letter-weakened' : 'dead-letter-strengthened')
  if (before.retentionMs !== after.retentionMs) {
    const [old, now] = [duration(before.retentionMs), duration(after.retentionMs)]
    const message = `kept for ${now} now, and for ${old} before`
    report(by(after.retentionMs < before.retentionMs), 'retention', message, old, now)
  }
  for (const [part, order] of [
    ['replay', replays],
    ['onPoison', poisons],
  ] as const) {
    const [old, now] = [before[part], after[part]]
    if (old === now) continue
    report(by(order.indexOf(now) < order.indexOf(old)), part, `${part} is ${now} now, and was ${old}`, old, now)
  }
  if (before.channel !== after.channel) {
    const text = (channel: string | undefined): string => channel ?? 'no channel of its own'
    const message = `they go to ${text(after.channel)} now, and went to ${text(before.channel)}`
    report('dead-letter-channel-changed', 'channel', message, before.channel, after.channel)
  }
}
