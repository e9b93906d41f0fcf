/** From a history to verdicts; nothing else is read, so the same history gives the same verdicts again. */
import { checks } from '../checks/all.ts'
import { type Check, type JudgeContext, type Judgement, violated } from '../checks/check.ts'
import { runOf } from '../history/history.ts'
import type { HistoryRecord, RunRecord } from '../history/records.ts'
import { type RequestView, one, plainlyAnswered, statusText, trialsOf, type TrialView } from '../history/trial-view.ts'
import type { Member, OperationFacts } from '../plan/operation-facts.ts'
import { answerShapes } from './answer-shapes.ts'
import { conclude, worst } from './conclude.ts'
import { type CutShort, cutShort, downWords } from './cut-short.ts'
import { judgeMessages } from './judge-messages.ts'
import type { CheckVerdict, GuaranteeVerdict, VerifyReport } from './verdict.ts'

export function judge(records: readonly HistoryRecord[]): VerifyReport {
  const run = runOf(records)
  const trials = trialsOf(records)
  const lags = records.filter((record) => record.type === 'lag')
  const cut = cutShort(records, run)
  const down = records.find((one) => one.type === 'down')
  const touched = new Set(trials.map(({ record }) => record.ref))
  const retried = new Set(
    trials.flatMap(({ record: { facts } }) => (typeof facts?.['again'] === 'string' ? [facts['again']] : [])),
  )
  const shape = answerShapes(
    run,
    run.operations.filter(({ ref }) => touched.has(ref)),
  )
  const results: GuaranteeVerdict[] = []
  for (const operation of run.operations) {
    const mine = trials.filter(({ record }) => record.ref === operation.ref)
    const known = mine.length > 0 || run.untested.some(({ ref }) => ref === operation.ref)
    if (!known && run.planned?.[operation.ref] === undefined) continue
    const context = { volatile: run.volatile, lags, retried, shape, ...(down !== undefined && { down }) }
    results.push(...judgeOperation(operation, mine, run, context, cut))
  }
  results.push(...judgeMessages(records, run))
  // What was tried: a verdict that says why nothing could be is none.
  const tested = results.filter(({ checks: own }) => own.some(({ trials: tried }) => tried > 0))
  return {
    version: 1,
    run: run.run,
    seed: run.seed,
    started: run.started,
    ...(run.commit !== undefined && { commit: run.commit }),
    profile: run.profile,
    ...(down !== undefined && { stopped: downWords(down) }),
    guarantees: {
      declared: results.length,
      tested: tested.length,
      passed: tested.filter(({ verdict }) => verdict === 'PASS').length,
    },
    results,
    cleanup: records
      .filter((record) => record.type === 'cleanup')
      .map(({ ref, markers, cleaned, why }) => ({ ref, markers, cleaned, ...(why !== undefined && { why }) })),
  }
}

function judgeOperation(
  operation: OperationFacts,
  trials: readonly TrialView[],
  run: RunRecord,
  context: JudgeContext,
  cut: CutShort,
): GuaranteeVerdict[] {
  const unfit = baselineFault(operation, trials)
  const untested = run.untested.filter(({ ref }) => ref === operation.ref)
  const verdicts = checks
    .filter((check) => operation.promised[check.member] !== undefined && check.about(operation))
    .map((check) => judgeCheck(check, operation, trials, { unfit, cut: cut(operation.ref, check) }, context))
    .filter((verdict) => verdict !== undefined)
  for (const check of checks) {
    const { id, stimuli, unseen } = check
    if (!check.about(operation)) continue
    const known = verdicts.some((one) => one.check === id)
    if (unseen !== undefined && !known && unfit === undefined)
      untested.push({ ref: operation.ref, check: id, why: unseen })
    const tried = stimuli.includes('*')
      ? []
      : trials.filter(({ record, faults }) => stimuli.includes(record.stimulus) && faults.length > 0)
    if (tried.length === 0 || verdicts.some(({ check }) => check === id) || unfit !== undefined) continue
    untested.push({
      ref: operation.ref,
      check: id,
      why: 'the dependency that was broken is not used by this operation',
    })
  }
  return Object.entries(operation.promised).map(([member, location]): GuaranteeVerdict => {
    const own = verdicts.filter((one) => one.member === member)
    return {
      ref: operation.ref,
      member: member as Member,
      verdict: own.length === 0 ? 'NOT TESTED' : worst(own.map(({ verdict }) => verdict)),
      location,
      checks: own,
      untested: untested.filter(
        ({ check }) => check === '*' || checks.find(({ id }) => id === check)?.member === member,
      ),
    }
  })
}

/** Plain calls must work and show one effect each; else nothing that was counted means anything. */
function baselineFault(operation: OperationFacts, trials: readonly TrialView[]): string | undefined {
  const plain = trials.filter(({ record }) => record.stimulus === 'baseline')
  if (plain.length === 0) return 'no plain call was made'
  for (const trial of plain) {
    const first = one(trial, 'first')
    if (first?.end?.why?.startsWith('no answer within') === true)
      return `a plain call got ${first.end.why}: mend the service, or give it a longer --profile`
    if (!plainlyAnswered(operation, first?.end))
      return `a plain call did not succeed (${statusText(first)}): ${
        nobodyListened(first) ? 'start the service, or correct --url' : 'mend x-probe.example, or the service'
      }`
    if (operation.probe.oracle !== 'strong') continue
    const marker = first!.invoke.marker
    const [before, after] = [trial.effects.get(`${marker}:before`), trial.effects.get(marker)]
    if (before?.count !== 0)
      return `before anything was done the probe showed ${before?.count ?? `nothing (${before?.why})`}: it must show 0`
    if (after?.count === undefined)
      return gone(trials) ?? `the probe could not be read: ${after?.why ?? 'the run ended before'}`
    if (after.count === 0 && trials.some(({ processes }) => processes.length > 0))
      return 'the effect of a plain call was gone when the service had been killed: are its effects in memory?'
    if (after.count !== 1) return `the probe showed ${after.count} effects of one plain call: it must show 1`
  }
  return undefined
}

function nobodyListened(request: RequestView | undefined): boolean {
  return request?.end?.why?.startsWith('nobody listens') === true
}

/** Where the service stopped answering at all, and what it was doing. */
function gone(trials: readonly TrialView[]): string | undefined {
  const requests = trials.flatMap((trial) => trial.requests.map((request) => ({ request, trial })))
  const refused = requests.find(({ request }) => nobodyListened(request))
  if (refused === undefined) return undefined
  const cut = requests.filter(
    ({ request: { end } }) =>
      end?.status === undefined && (end?.at ?? 0) <= refused.request.end!.at && end !== refused.request.end,
  )
  const last = [...new Set(cut.map(({ trial }) => trial.record.about))].slice(-2)
  return `the service stopped: nobody listens any more${last.length === 0 ? '' : `, after: ${last.join('; ')}`}`
}

/** The trial after which the service was gone, where one check alone was being tried. */
function endedBy(
  check: Check,
  { ref }: OperationFacts,
  about: readonly TrialView[],
  { down }: JudgeContext,
): { trial: TrialView; judgement: Judgement } | undefined {
  const [doing, ...others] = down?.during ?? []
  if (down === undefined || doing === undefined || !down.unanswered || others.length > 0 || doing.ref !== ref)
    return undefined
  if (checks.find(({ stimuli }) => stimuli.includes(doing.stimulus)) !== check) return undefined
  const own = about.filter(({ record }) => record.stimulus === doing.stimulus)
  // Sent and never answered, as far as it is known the last before it was gone.
  const cut = own.filter(({ requests }) =>
    requests.some(({ end, invoke }) => end?.status === undefined && invoke.at < down.deadAt),
  )
  const trial = cut[0] ?? own.at(-1)
  if (trial === undefined) return undefined
  return { trial, judgement: violated(downWords(down), trial.requests) }
}

/** How long after the first the latest copy was sent that was there before the first was answered. */
function latest(judged: readonly { trial: TrialView }[]): string {
  const delays = judged.flatMap(({ trial }) => {
    const first = one(trial, 'first')?.end
    if (first?.sentAt === undefined || first.firstByteAt === undefined) return []
    const { sentAt, firstByteAt } = first
    return trial.requests.map(({ end }) =>
      end?.sentAt !== undefined && end.sentAt < firstByteAt ? end.sentAt - sentAt : 0,
    )
  })
  return Math.max(0, ...delays).toFixed(0)
}

function judgeCheck(
  check: Check,
  operation: OperationFacts,
  trials: readonly TrialView[],
  { unfit, cut }: { unfit: string | undefined; cut: string | undefined },
  context: JudgeContext,
): CheckVerdict | undefined {
  const about = trials.filter(({ record }) => check.stimuli.includes('*') || check.stimuli.includes(record.stimulus))
  const base = {
    finding: `${operation.ref}/${check.id}`,
    ref: operation.ref,
    check: check.id,
    member: check.member,
    promise: check.promise,
  }
  if (unfit !== undefined) {
    // Nothing further was tried after a bad preflight.
    if (trials.length === 0) return conclude(base, [], undefined, cut)
    return { ...base, verdict: 'INCONCLUSIVE', confirmed: 0, trials: 0, counterexamples: [], notes: [unfit] }
  }
  const judged = about
    .map((trial) => ({ trial, judgement: check.judge(trial, operation, context) }))
    .filter((one): one is { trial: TrialView; judgement: Judgement } => one.judgement !== undefined)
  const ended = endedBy(check, operation, about, context)
  if (ended !== undefined) judged.unshift(ended)
  const { oracle } = operation.probe
  const concluded = conclude(base, judged, oracle === 'strong' ? undefined : oracle.weak, cut)
  if (concluded?.verdict !== 'PASS' || check.id !== 'late-overlap') return concluded
  return { ...concluded, notes: [...concluded.notes, `copies up to ${latest(judged)} ms later`] }
}
