import type { Guarantees, RetryGuarantee } from '../../../model/guarantees.ts'
import type { Comparison } from '../../comparison.ts'
import { duration } from '../../duration-text.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { declared, guaranteeReporter } from './guarantee-pair.ts'

export const retryRules = {
  'retry-weakened': {
    area: 'guarantee',
    level: 'breaking',
    law: 'what was tried again is given up earlier, or may no longer be tried again',
    why: 'On an HTTP operation `retry` says what callers may repeat; on a receive, how often the consumer tries before a message is dead.',
    fix: 'keep the attempts, and on an HTTP operation the statuses',
  },
  'retry-strengthened': {
    area: 'guarantee',
    level: 'minor',
    law: 'what failed is tried more often than before',
    why: 'A short outage costs less. The retention of `idempotency` has to cover the longer time; `check` says whether it does.',
    fix: 'nothing to do',
  },
  'retry-pace-changed': {
    area: 'guarantee',
    level: 'warning',
    law: 'attempts come at other times, so they may end before an outage does, or come too fast for it',
    why: 'Whether that matters depends on what fails. The retention of `idempotency` has to cover the whole span.',
    fix: 'compare the span with the retention of whoever remembers the key',
  },
} as const satisfies Record<string, DiffRule>

export function checkRetry(pair: GuaranteePair, comparison: Comparison): void {
  const [had, has] = declared(pair, 'retry')
  const before = had ? pair.base.values.retry : 'none'
  const after = has ? pair.revision.values.retry : 'none'
  const report = guaranteeReporter(retryRules, 'retry', pair, comparison)
  if (before === 'none' || after === 'none') {
    if (before === after) return
    const id = after === 'none' ? 'retry-weakened' : 'retry-strengthened'
    report(id, '', `it is ${text(after)} now, and was ${text(before)}`, text(before), text(after))
    return
  }
  if (after.attempts !== before.attempts) {
    const id = after.attempts < before.attempts ? 'retry-weakened' : 'retry-strengthened'
    report(id, 'attempts', `${attempts(after)} now, and ${before.attempts} before`, before.attempts, after.attempts)
  }
  statuses(before, after, report)
  const pace = (one: RetryGuarantee): string =>
    `${one.backoff} from ${duration(one.delayMs)} to ${duration(one.maxDelayMs)}`
  if (pace(before) !== pace(after)) {
    report('retry-pace-changed', 'delay', `${pace(after)} now, and ${pace(before)} before`, pace(before), pace(after))
  }
}

function statuses(
  before: RetryGuarantee,
  after: RetryGuarantee,
  report: ReturnType<typeof guaranteeReporter<typeof retryRules>>,
): void {
  const [old, now] = [before.on ?? [], after.on ?? []].map((all) => all.map(String)) as [string[], string[]]
  const gone = old.filter((status) => !covered(status, now))
  const added = now.filter((status) => !covered(status, old))
  if (gone.length > 0) report('retry-weakened', 'on', `${gone.join(', ')} may no longer be tried again`, old, now)
  if (added.length > 0) report('retry-strengthened', 'on', `${added.join(', ')} may be tried again, too`, old, now)
}

function covered(status: string, all: readonly string[]): boolean {
  return all.includes(status) || all.includes(`${status.charAt(0)}XX`)
}

function text(retry: Guarantees['retry']): string {
  return retry === 'none' ? 'not promised' : attempts(retry)
}

function attempts({ attempts: count }: RetryGuarantee): string {
  return `${count} attempt${count === 1 ? '' : 's'}`
}
