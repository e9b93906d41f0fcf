/** A history as the judge of messages reads it. */
import type {
  CalledRecord,
  DeadRecord,
  MessageRecord,
  OrderRecord,
  OutcomeRecord,
  SeenRecord,
} from './message-records.ts'
import type { HistoryRecord, LagRecord } from './records.ts'
import { trialsOf, type TrialView } from './trial-view.ts'

export interface MessageTrialView extends TrialView {
  readonly messages: readonly MessageRecord[]
  readonly dead: readonly DeadRecord[]
  readonly orders: readonly OrderRecord[]
  readonly outcomes: readonly OutcomeRecord[]
  readonly called: readonly CalledRecord[]
}

/** What was seen over all trials. */
export interface Channels {
  readonly seen: readonly SeenRecord[]
  /** when all that had come was last noted; absent: the run ended before */
  readonly collectedAt?: number
  readonly watched: readonly string[]
  /** when this machine was late itself */
  readonly lags: readonly LagRecord[]
}

export function messageTrialsOf(records: readonly HistoryRecord[]): MessageTrialView[] {
  const of = <T extends HistoryRecord['type']>(type: T): Map<string, Extract<HistoryRecord, { type: T }>[]> =>
    Map.groupBy(
      records.filter((record): record is Extract<HistoryRecord, { type: T }> => record.type === type),
      (record) => ('trial' in record ? record.trial : ''),
    )
  const [messages, dead, orders] = [of('message'), of('dead'), of('order')]
  const [outcomes, called] = [of('outcome'), of('called')]
  return trialsOf(records).map((trial) => {
    const id = trial.record.trial
    return {
      ...trial,
      messages: messages.get(id) ?? [],
      dead: dead.get(id) ?? [],
      orders: orders.get(id) ?? [],
      outcomes: outcomes.get(id) ?? [],
      called: (called.get(id) ?? []).toSorted((a, b) => a.at - b.at),
    }
  })
}

export function channelsOf(records: readonly HistoryRecord[]): Channels {
  const run = records.find((record) => record.type === 'run')
  const collected = records.findLast((record) => record.type === 'collected')
  return {
    seen: records.filter((record) => record.type === 'seen'),
    lags: records.filter((record) => record.type === 'lag'),
    watched: run?.messages?.watched ?? [],
    ...(collected !== undefined && { collectedAt: collected.at }),
  }
}

/** The messages of these roles, each once. */
export function sent(trial: MessageTrialView, ...roles: readonly string[]): MessageRecord[] {
  return [...new Map(trial.messages.filter(({ role }) => roles.includes(role)).map((one) => [one.id, one])).values()]
}
