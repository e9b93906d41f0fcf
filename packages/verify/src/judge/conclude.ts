/** From what each trial says about a check to its verdict. */
import type { Judgement } from '../checks/check.ts'
import type { TrialView } from '../history/trial-view.ts'
import type { CheckVerdict, Verdict } from './verdict.ts'

export interface Judged<Trial extends TrialView = TrialView> {
  readonly trial: Trial
  readonly judgement: Judgement
}

type Base = Pick<CheckVerdict, 'finding' | 'ref' | 'check' | 'member' | 'promise'>

/** `weak`: why answers are all there was to see. `cut`: why not all was tried that a verdict needs. */
export function conclude(
  base: Base,
  judged: readonly Judged[],
  weak: string | undefined,
  cut?: string,
): CheckVerdict | undefined {
  if (judged.length === 0 && cut === undefined) return undefined
  const counterexamples = judged.flatMap(({ trial: { record }, judgement }) =>
    judgement.kind === 'violated'
      ? [{ trial: record.trial, about: record.about, what: judgement.what, requests: judgement.requests }]
      : [],
  )
  const clean = judged.flatMap(({ judgement }) => (judgement.kind === 'clean' ? [judgement] : []))
  const verdict: Verdict =
    counterexamples.length > 0
      ? 'FAIL'
      : clean.length === 0 || cut !== undefined
        ? 'INCONCLUSIVE'
        : clean.every(({ oracle }) => oracle === 'strong')
          ? 'PASS'
          : 'WEAK'
  return {
    ...base,
    verdict,
    confirmed: counterexamples.length + clean.length,
    trials: judged.length,
    counterexamples,
    notes: notes(verdict, judged, clean.length, { weak, cut }),
  }
}

const order: readonly Verdict[] = ['FAIL', 'INCONCLUSIVE', 'WEAK', 'PASS']

export function worst(verdicts: readonly Verdict[]): Verdict {
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'INCONCLUSIVE'
}

function notes(
  verdict: Verdict,
  judged: readonly Judged[],
  clean: number,
  { weak, cut }: { weak: string | undefined; cut: string | undefined },
): string[] {
  if (verdict === 'INCONCLUSIVE' && cut !== undefined) return [cut]
  if (verdict === 'INCONCLUSIVE')
    return [...new Set(judged.flatMap(({ judgement }) => (judgement.kind === 'unconfirmed' ? [judgement.why] : [])))]
  if (verdict === 'WEAK') return [weak === undefined ? 'answers only' : `answers only: ${weak}`]
  if (verdict === 'FAIL') return []
  // The rule of three: nothing in n trials bounds the rate by 3/n, at 95 %.
  // Of three or fewer it says nothing: the exact bound, 1 - 0.05^(1/n), does.
  return [`0 of ${clean} failed: under ${percent(clean > 3 ? 3 / clean : 1 - 0.05 ** (1 / clean))}, at 95 % confidence`]
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
