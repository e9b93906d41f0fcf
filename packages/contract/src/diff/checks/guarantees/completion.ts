import type { CompletionGuarantee } from '../../../model/guarantees.ts'
import type { Comparison } from '../../comparison.ts'
import { duration } from '../../duration-text.ts'
import type { DiffRule } from '../../model.ts'
import type { GuaranteePair } from './guarantee-pair.ts'
import { guaranteeReporter } from './guarantee-pair.ts'

export const completionRules = {
  'completion-weakened': {
    area: 'guarantee',
    level: 'breaking',
    law: 'whoever handed over work learns its outcome later than was promised, or never',
    why: 'The originator gives up after `within`, and undoes what may still succeed.',
    fix: 'keep the completion and its time',
  },
  'completion-strengthened': {
    area: 'guarantee',
    level: 'minor',
    law: 'the outcome of accepted work can be learnt, or sooner than before',
    why: 'Nobody has to use it.',
    fix: 'nothing to do',
  },
  'completion-changed': {
    area: 'guarantee',
    level: 'breaking',
    law: 'the outcome is told in another place, or by another name, than the one that is listened to',
    why: 'An originator that waits for `completed` or `rejected` never ends on `expired`. One that listens for an event hears no callback.',
    fix: 'keep the way and the names of the outcomes; tell new outcomes beside them only when every originator knows them',
  },
} as const satisfies Record<string, DiffRule>

export function checkCompletion(pair: GuaranteePair, comparison: Comparison): void {
  const report = guaranteeReporter(completionRules, 'completion', pair, comparison)
  const before = pair.base.completion
  const after = pair.revision.completion
  if (before === undefined || after === undefined) {
    if (before === after) return
    if (before !== undefined) {
      report('completion-weakened', '', `its outcome is no longer told (${text(before)})`, text(before))
    }
    if (after !== undefined) {
      report('completion-strengthened', '', `its outcome is told now: ${text(after)}`, undefined, text(after))
    }
    return
  }
  if (before.by !== after.by || before.ref !== after.ref) {
    const message = `the outcome is told ${text(after)} now, and was told ${text(before)}`
    report('completion-changed', 'by', message, text(before), text(after))
  }
  outcomes(before, after, report)
  if (before.withinMs === after.withinMs) return
  const said = (ms: number | undefined): string => (ms === undefined ? 'at no promised time' : `within ${duration(ms)}`)
  const later = (after.withinMs ?? Infinity) > (before.withinMs ?? Infinity)
  const message = `${said(after.withinMs)} now, and ${said(before.withinMs)} before`
  report(
    later ? 'completion-weakened' : 'completion-strengthened',
    'within',
    message,
    said(before.withinMs),
    said(after.withinMs),
  )
}

function outcomes(
  before: CompletionGuarantee,
  after: CompletionGuarantee,
  report: ReturnType<typeof guaranteeReporter<typeof completionRules>>,
): void {
  const meaning = (one: CompletionGuarantee): ReadonlyMap<string, string> =>
    new Map([
      ...one.success.map((name) => [name, 'a success'] as const),
      ...one.failure.map((name) => [name, 'a failure'] as const),
    ])
  const [old, now] = [meaning(before), meaning(after)]
  for (const [name, kind] of now) {
    const was = old.get(name)
    if (was === undefined) {
      report('completion-changed', `outcome ${name}`, `\`${name}\` is a new outcome, ${kind}`, undefined, kind)
    } else if (was !== kind) {
      report('completion-changed', `outcome ${name}`, `\`${name}\` is ${kind} now, and was ${was}`, was, kind)
    }
  }
  for (const [name, kind] of old) {
    if (now.has(name)) continue
    const others = [...now.values()].includes(kind)
    // An outcome less is one that need not be expected, unless the work can no longer end that way at all.
    report(
      others ? 'completion-strengthened' : 'completion-changed',
      `outcome ${name}`,
      `\`${name}\` (${kind}) is no outcome any more`,
      kind,
    )
  }
}

function text({ by, ref }: CompletionGuarantee): string {
  return ref === undefined ? `by ${by}` : `by ${by} (${ref})`
}
