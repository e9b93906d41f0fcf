/** A check of what a service does with messages, and of what its accepted work comes to. */
import type { TrialView } from '../history/trial-view.ts'
import type { Channels, MessageTrialView } from '../history/message-view.ts'
import type { CompletionFacts } from '../plan/completion-facts.ts'
import type { ReceiveFacts, SendFacts } from '../plan/message-facts.ts'
import type { Member } from '../plan/operation-facts.ts'
import type { Judgement } from './check.ts'

export interface MessageCheck<Facts> {
  /** stable, kebab-case */
  readonly id: string
  readonly member: Member
  /** the promise, in one sentence */
  readonly promise: string
  /** stimuli whose trials it judges; `*`: every one */
  readonly stimuli: readonly string[]
  /** is it about this operation at all? */
  about(facts: Facts): boolean
  /** undefined: this trial has nothing to do with it */
  judge(trial: MessageTrialView, facts: Facts, channels: Channels): Judgement | undefined
}

export type ReceiveCheck = MessageCheck<ReceiveFacts>
export type SendCheck = MessageCheck<SendFacts>
export type CompletionCheck = MessageCheck<CompletionFacts>

/** A counterexample; `ids` of the messages or requests that show it. */
export function broken(what: string, ids: readonly string[]): Judgement {
  return { kind: 'violated', what, requests: ids }
}

/** It was killed, and it came back. Undefined: it was; else why that is not known. */
export function uncertainKill(trial: TrialView, needsUnfinished: boolean): string | undefined {
  const killed = trial.processes.find(({ what }) => what === 'killed')
  const failed = trial.processes.find(({ what }) => what === 'failed')
  if (killed === undefined) return 'the run ended before the service was killed'
  if (failed !== undefined) return `the service did not come back: ${failed.why}`
  if (killed.confirmed !== true) return 'the service still answered after it was killed: does --kill end all of it?'
  if (needsUnfinished && (killed.unfinished ?? 0) === 0) return 'all was done before the kill came'
  return undefined
}
