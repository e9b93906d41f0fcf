/** Messages and completions: from a history to verdicts, as judge.ts does it for requests. */
import { completionChecks, receiveChecks, sendChecks } from '../checks/all-messages.ts'
import type { MessageCheck } from '../checks/message-check.ts'
import { type Channels, channelsOf, type MessageTrialView, messageTrialsOf, sent } from '../history/message-view.ts'
import type { HistoryRecord, RunRecord } from '../history/records.ts'
import type { CompletionFacts } from '../plan/completion-facts.ts'
import type { ReceiveFacts } from '../plan/message-facts.ts'
import type { Member } from '../plan/operation-facts.ts'
import type { Unwatched } from '../plan/unwatched.ts'
import type { SourceLocation } from '@spandrel/contract'
import { conclude, worst } from './conclude.ts'
import type { CheckVerdict, GuaranteeVerdict } from './verdict.ts'

interface Judge {
  readonly trials: readonly MessageTrialView[]
  readonly channels: Channels
  readonly run: RunRecord
}

export function judgeMessages(records: readonly HistoryRecord[], run: RunRecord): GuaranteeVerdict[] {
  const { messages } = run
  if (messages === undefined) return []
  const judge: Judge = { trials: messageTrialsOf(records), channels: channelsOf(records), run }
  return [
    ...messages.receives.flatMap((facts) => {
      const mine = judge.trials.filter(({ record }) => record.ref === facts.ref)
      const unfit = mine.length === 0 ? undefined : baselineFault(facts, mine)
      const weak = facts.probe.oracle === 'strong' ? undefined : facts.probe.oracle.weak
      return guarantees(judge, facts, facts.promised, receiveChecks, mine, { unfit, weak })
    }),
    ...messages.sends.flatMap((facts) => {
      const showing = new Set(facts.shownBy.map(({ ref }) => ref))
      const mine = judge.trials.filter(({ record }) => showing.has(record.ref))
      return guarantees(judge, facts, facts.promised, sendChecks, mine, {
        weak: 'the effects were not counted: give x-probe a `read` and a `count`, or --count',
      })
    }),
    ...messages.completions.flatMap((facts: CompletionFacts) => {
      const mine = judge.trials.filter(({ record }) => record.ref === facts.ref)
      return guarantees(judge, facts, { completion: facts.location }, completionChecks, mine, {})
    }),
    ...messages.unwatched.map((facts) => unwatched(facts, run)),
  ]
}

function guarantees<Facts extends { readonly ref: string }>(
  { channels, run }: Judge,
  facts: Facts,
  promised: Readonly<Partial<Record<Member, SourceLocation>>>,
  checks: readonly MessageCheck<Facts>[],
  trials: readonly MessageTrialView[],
  { unfit, weak }: { unfit?: string | undefined; weak?: string | undefined },
): GuaranteeVerdict[] {
  return Object.entries(promised).map(([member, location]): GuaranteeVerdict => {
    const own = checks.filter((check) => check.member === member && check.about(facts))
    const verdicts = own.flatMap((check): CheckVerdict[] => {
      const base = {
        finding: `${facts.ref}/${check.id}`,
        ref: facts.ref,
        check: check.id,
        member: check.member,
        promise: check.promise,
      }
      if (unfit !== undefined)
        return [{ ...base, verdict: 'INCONCLUSIVE', confirmed: 0, trials: 0, counterexamples: [], notes: [unfit] }]
      const judged = trials
        .filter(({ record }) => check.stimuli.includes('*') || check.stimuli.includes(record.stimulus))
        .flatMap((trial) => {
          const judgement = check.judge(trial, facts, channels)
          return judgement === undefined ? [] : [{ trial, judgement }]
        })
      const verdict = conclude(base, judged, weak)
      return verdict === undefined ? [] : [verdict]
    })
    const known = new Set(verdicts.map(({ check }) => check))
    const untested = run.untested.filter(
      ({ ref, check }) => ref === facts.ref && (check === '*' || own.some(({ id }) => id === check && !known.has(id))),
    )
    for (const { id } of own) {
      if (known.has(id) || unfit !== undefined || untested.some(({ check }) => check === '*' || check === id)) continue
      untested.push({ ref: facts.ref, check: id, why: 'nothing that was done here shows it' })
    }
    return {
      ref: facts.ref,
      member: member as Member,
      verdict: verdicts.length === 0 ? 'NOT TESTED' : worst(verdicts.map(({ verdict }) => verdict)),
      location,
      checks: verdicts,
      untested,
    }
  })
}

/** Declared, and out of sight: counted among what was not tested. Older histories have completions alone, and do not say so. */
function unwatched(facts: Omit<Unwatched, 'member'> & Partial<Unwatched>, run: RunRecord): GuaranteeVerdict {
  const { ref, member = 'completion', location, why } = facts
  const own = run.untested.filter((one) => one.ref === ref && one.why === why)
  return { ref, member, verdict: 'NOT TESTED', location, checks: [], untested: own }
}

/** Plain messages must have one effect each; else nothing that was counted means anything. */
function baselineFault(facts: ReceiveFacts, trials: readonly MessageTrialView[]): string | undefined {
  const plain = trials.filter(({ record }) => record.stimulus === 'message-baseline')
  if (plain.length === 0) return 'no plain message was sent'
  for (const trial of plain) {
    const [first] = sent(trial, 'first')
    if (first === undefined) return 'no plain message was sent'
    const [before, after] = [trial.effects.get(`${first.marker}:before`), trial.effects.get(first.marker)]
    if (before?.count !== 0)
      return `before anything was sent the probe showed ${before?.count ?? `nothing (${before?.why})`}: it must show 0`
    if (after?.count === undefined) return `the probe could not be read: ${after?.why ?? 'the run ended before'}`
    if (after.count === 0) return 'a plain message had no effect: mend x-probe.example, or the service'
    if (after.count !== 1) return `the probe showed ${after.count} effects of one plain message: it must show 1`
  }
  return undefined
}
