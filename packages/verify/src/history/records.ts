/**
 * The history of a run: what was done and seen, one record a line (JSONL), appended only. Judgements are made from it
 * and from nothing else, so that they can be made again. Times are milliseconds since the run began.
 *
 * An invoke ends in one of: `ok` (2xx), `fail` (4xx, or its last byte never left: it says it did nothing), `unknown`
 * (5xx, or no whole answer came: it may have acted or not).
 */
import type { JsonSchema } from '@spandrel/contract'
import type { OperationFacts } from '../plan/operation-facts.ts'
import type { HeaderList } from '../wire/outgoing.ts'
import type { MessageHistoryRecord, MessageRun } from './message-records.ts'

export interface RunRecord {
  readonly type: 'run'
  /** of the records; 1 knew less of declared answers */
  readonly version: 2
  /** prefix of every marker and key */
  readonly run: string
  readonly seed: number
  readonly started: string
  /** absent: nobody knows which code this was (no repository, or the caller did not say) */
  readonly commit?: Commit
  readonly profile: string
  readonly instances: Readonly<Record<string, readonly string[]>>
  readonly operations: readonly OperationFacts[]
  readonly schemas: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>
  readonly untested: readonly Untested[]
  readonly volatile: readonly string[]
  /** operation → stimuli that were to be done; what has no `done` record was not, and nothing that needs it is PASS */
  readonly planned?: Readonly<Record<string, readonly string[]>>
  readonly messages?: MessageRun
}

/** What was checked out where the run was started. */
export interface Commit {
  /** its whole hash */
  readonly id: string
  /** tracked files had changes that are in no commit */
  readonly changed: boolean
}

/** A check that is about something promised and could not be tried with what was given. */
export interface Untested {
  readonly ref: string
  readonly check: string
  /** what is missing, and what would make it testable */
  readonly why: string
}

export interface TrialRecord {
  readonly type: 'trial'
  readonly trial: string
  readonly stimulus: string
  /** `orders.placeOrder` */
  readonly ref: string
  /** in words: what is done */
  readonly about: string
  readonly at: number
  /** what a judgement needs to know beyond the requests */
  readonly facts?: Readonly<Record<string, unknown>>
}

export interface InvokeRecord {
  readonly type: 'invoke'
  readonly id: string
  readonly trial: string
  /** what it is in its trial: `first`, `copy`, `retry`, … */
  readonly role: string
  /** what is special about it, in words: the value that was changed */
  readonly about?: string
  readonly at: number
  readonly ref: string
  readonly instance: string
  readonly method: string
  readonly url: string
  readonly headers: HeaderList
  readonly body?: string
  readonly key?: string
  readonly marker: string
}

export interface EndRecord {
  readonly type: 'ok' | 'fail' | 'unknown'
  readonly id: string
  readonly at: number
  readonly sentAt?: number
  readonly firstByteAt?: number
  readonly lastByteAt?: number
  readonly connection?: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** why no answer came */
  readonly why?: string
}

/** How many effects the probe showed for a marker. */
export interface EffectsRecord {
  readonly type: 'effects'
  readonly ref: string
  readonly trial: string
  readonly marker: string
  readonly at: number
  /** absent: the probe could not be read (`why`) */
  readonly count?: number
  readonly why?: string
  /** read after all effects had the time that `settles` gives them */
  readonly settled: boolean
}

export interface FaultRecord {
  readonly type: 'fault'
  readonly trial: string
  readonly dependency: string
  readonly what: 'refuse' | 'stall' | 'heal'
  readonly at: number
  /** `heal`: how many connections met the fault */
  readonly hits?: number
}

/** What was removed again of what a run had made. */
export interface CleanupRecord {
  readonly type: 'cleanup'
  readonly ref: string
  readonly at: number
  /** markers that were sent, and those whose effects were removed */
  readonly markers: number
  readonly cleaned: number
  /** why not all of them */
  readonly why?: string
}

/** All that a verdict needs of this stimulus was tried. */
interface DoneRecord {
  readonly type: 'done'
  readonly ref: string
  readonly stimulus: string
  readonly at: number
}

/** The time of the profile was up before all of this stimulus was tried. */
export interface CutRecord {
  readonly type: 'cut'
  readonly ref: string
  readonly stimulus: string
  readonly at: number
  /** whose time it was */
  readonly by: 'operation' | 'service'
  readonly limitMs: number
  /** median of a plain call; absent: none was made */
  readonly latencyMs?: number
}

/** Nobody listened any more, and nobody came back; the run did not kill it. */
export interface DownRecord {
  readonly type: 'down'
  readonly instance: string
  readonly at: number
  /** when the first request began that nobody took */
  readonly deadAt: number
  /** how long it was waited for */
  readonly waitedMs: number
  /** what was being done to it then */
  readonly during: readonly { readonly ref: string; readonly stimulus: string }[]
  /** requests of those never got an answer; else they are only the first that were refused */
  readonly unanswered: boolean
}

/** This machine was late itself: a timer of the run fired `ms` after its time. */
export interface LagRecord {
  readonly type: 'lag'
  readonly at: number
  readonly ms: number
}

export type HistoryRecord =
  | CleanupRecord
  | CutRecord
  | DoneRecord
  | DownRecord
  | MessageHistoryRecord
  | LagRecord
  | RunRecord
  | TrialRecord
  | InvokeRecord
  | EndRecord
  | EffectsRecord
  | FaultRecord
