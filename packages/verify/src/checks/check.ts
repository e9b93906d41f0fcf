import type { Member, OperationFacts } from '../plan/operation-facts.ts'
import type { DownRecord, LagRecord } from '../history/records.ts'
import type { AnswerShape } from '../judge/answer-shapes.ts'
import type { TrialView } from '../history/trial-view.ts'

/**
 * What one trial says about one check.
 *
 * `violated`: a counterexample; `requests` are the ids of those that show it. `clean`: the stimulus happened and the
 * promise held; `weak` where only answers say so. `unconfirmed`: the trial proves nothing, and why.
 */
export type Judgement =
  | { readonly kind: 'violated'; readonly what: string; readonly requests: readonly string[] }
  | { readonly kind: 'clean'; readonly oracle: 'strong' | 'weak' }
  | { readonly kind: 'unconfirmed'; readonly why: string }

export interface Check {
  /** stable, kebab-case */
  readonly id: string
  readonly member: Member
  /** the promise, in one sentence */
  readonly promise: string
  /** stimuli whose trials it judges; `*`: every one */
  readonly stimuli: readonly string[]
  /** without all of which it cannot be told; default `stimuli`. Where those are `*`: what matters of them */
  readonly needs?: readonly string[]
  /** where no trial has to do with it: what would have shown it. Default: it is left out then */
  readonly unseen?: string
  /** is it about this operation at all? */
  about(operation: OperationFacts): boolean
  /** undefined: this trial has nothing to do with it */
  judge(trial: TrialView, operation: OperationFacts, context: JudgeContext): Judgement | undefined
}

export interface JudgeContext {
  /** JSON pointers of answers that may differ in a replay */
  readonly volatile: readonly string[]
  /** whether an answer fits its declaration */
  readonly shape: AnswerShape
  /** the service went away by itself */
  readonly down?: DownRecord
  /** trials that came out so close that they were tried again */
  readonly retried: ReadonlySet<string>
  /** when this machine was late itself */
  readonly lags: readonly LagRecord[]
}

export function violated(what: string, requests: readonly { invoke: { id: string } }[]): Judgement {
  return { kind: 'violated', what, requests: requests.map(({ invoke }) => invoke.id) }
}

export function unconfirmed(why: string): Judgement {
  return { kind: 'unconfirmed', why }
}

export function clean(operation: OperationFacts): Judgement {
  return { kind: 'clean', oracle: operation.probe.oracle === 'strong' ? 'strong' : 'weak' }
}

/** The answer itself is what is promised: seeing it is as strong as it gets. */
export const seen: Judgement = { kind: 'clean', oracle: 'strong' }
