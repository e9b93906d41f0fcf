/** A history as a judge reads it: trial by trial, with requests, their ends, and the effects that were counted. */
import { onlyReads, type OperationFacts } from '../plan/operation-facts.ts'
import type { Answer } from '../wire/outgoing.ts'
import type { ProcessRecord } from './message-records.ts'
import type { EffectsRecord, EndRecord, FaultRecord, HistoryRecord, InvokeRecord, TrialRecord } from './records.ts'

export interface RequestView {
  readonly invoke: InvokeRecord
  /** absent: the run ended before */
  readonly end?: EndRecord
  readonly answer?: Answer
}

export interface TrialView {
  readonly record: TrialRecord
  readonly requests: readonly RequestView[]
  /** the last reading of each marker */
  readonly effects: ReadonlyMap<string, EffectsRecord>
  /** the first reading of each marker that showed an effect */
  readonly firstSeen: ReadonlyMap<string, EffectsRecord>
  readonly faults: readonly FaultRecord[]
  readonly processes: readonly ProcessRecord[]
}

export function trialsOf(records: readonly HistoryRecord[]): TrialView[] {
  const trials = new Map<
    string,
    {
      record: TrialRecord
      requests: RequestView[]
      effects: Map<string, EffectsRecord>
      firstSeen: Map<string, EffectsRecord>
      faults: FaultRecord[]
      processes: ProcessRecord[]
    }
  >()
  const ends = new Map<string, EndRecord>()
  for (const record of records) {
    if (record.type === 'ok' || record.type === 'fail' || record.type === 'unknown') ends.set(record.id, record)
  }
  for (const record of records) {
    if (record.type === 'trial')
      trials.set(record.trial, {
        record,
        requests: [],
        effects: new Map(),
        firstSeen: new Map(),
        faults: [],
        processes: [],
      })
    else if (record.type === 'invoke') trials.get(record.trial)?.requests.push(view(record, ends.get(record.id)))
    else if (record.type === 'effects') {
      const trial = trials.get(record.trial)
      // What was counted stays counted when the service is gone.
      if (record.count !== undefined || trial?.effects.get(record.marker)?.count === undefined)
        trial?.effects.set(record.marker, record)
      if ((record.count ?? 0) > 0 && trial?.firstSeen.has(record.marker) === false)
        trial.firstSeen.set(record.marker, record)
    } else if (record.type === 'process') trials.get(record.trial)?.processes.push(record)
    else if (record.type === 'fault') trials.get(record.trial)?.faults.push(record)
  }
  return [...trials.values()]
}

function view(invoke: InvokeRecord, end: EndRecord | undefined): RequestView {
  if (end === undefined) return { invoke }
  if (end.status === undefined) return { invoke, end }
  return { invoke, end, answer: { status: end.status, headers: end.headers ?? {}, body: end.body ?? '' } }
}

export function succeeded(request: RequestView | undefined): boolean {
  return request?.end?.type === 'ok'
}

/** Nobody had time for it: that is said of a moment, not of the request. */
export function turnedAway({ answer }: RequestView): boolean {
  return answer !== undefined && [408, 425, 429, 502, 503, 504].includes(answer.status)
}

/** All of it was sent, and the service ended the connection instead of answering. */
export function hungUpOn({ end }: RequestView): boolean {
  return end?.sentAt !== undefined && end.status === undefined && end.why?.startsWith('the connection was ') === true
}

/** A plain call worked. For a read, "there is none" is an answer too, where the contract declares it. */
export function plainlyAnswered(operation: OperationFacts, end: EndRecord | undefined): boolean {
  if (end?.type === 'ok') return true
  return end?.type === 'fail' && onlyReads(operation) && operation.statuses.includes(String(end.status))
}

function byRole(trial: TrialView, role: string): RequestView[] {
  return trial.requests.filter(({ invoke }) => invoke.role === role)
}

export function one(trial: TrialView, role: string): RequestView | undefined {
  return byRole(trial, role).at(-1)
}

/** `201`, or why there is none. */
export function statusText(request: RequestView | undefined): string {
  return request?.answer === undefined ? (request?.end?.why ?? 'no answer') : String(request.answer.status)
}

/** Somebody met the fault: a dependency that was broken and not used proves nothing. */
export function faultMet(trial: TrialView): boolean {
  return trial.faults.some(({ hits = 0 }) => hits > 0)
}
