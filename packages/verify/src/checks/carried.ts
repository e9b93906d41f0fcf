/** What follows from a request or a message is tied to it: the correlation id, and the trace. */
import type { Channels, MessageTrialView } from '../history/message-view.ts'
import type { SeenRecord } from '../history/message-records.ts'
import { shownBy } from '../history/seen-messages.ts'
import type { SendFacts } from '../plan/message-facts.ts'
import { headerOf } from '../wire/outgoing.ts'
import { seen } from './check.ts'
import { broken, type SendCheck } from './message-check.ts'

/** What caused messages, and the messages. */
interface Cause {
  readonly id: string
  readonly correlation?: string | undefined
  readonly traceparent?: string | undefined
  readonly messages: readonly SeenRecord[]
}

/** Of each marker that was sent once only: else nobody could tell which of them caused what. */
function causes(trial: MessageTrialView, send: SendFacts, channels: Channels): Cause[] {
  const shows = send.shownBy.find(({ ref }) => ref === trial.record.ref)
  if (shows === undefined || !channels.watched.includes(shows.emits.channel)) return []
  const { emits, correlation } = shows
  const requests = Map.groupBy(trial.requests, ({ invoke }) => invoke.marker)
  const messages = Map.groupBy(trial.messages, ({ marker }) => marker)
  return [
    ...[...requests].flatMap(([marker, [first, ...more]]): Cause[] => {
      if (first === undefined || more.length > 0 || first.invoke.ref !== trial.record.ref) return []
      const { id, headers } = first.invoke
      return [
        {
          id,
          correlation: correlation === undefined ? undefined : headerOf(headers, correlation),
          traceparent: headerOf(headers, 'traceparent'),
          messages: shownBy(channels.seen, emits, marker),
        },
      ]
    }),
    ...[...messages].flatMap(([marker, given]): Cause[] => {
      const [first] = given
      if (first === undefined || new Set(given.map(({ id }) => id)).size > 1) return []
      const { correlationid, traceparent } = first.attributes
      return [
        { id: first.id, correlation: correlationid, traceparent, messages: shownBy(channels.seen, emits, marker) },
      ]
    }),
  ]
}

const isCarried = ({ promised, shownBy: shows }: SendFacts): boolean =>
  promised.correlation !== undefined && shows.length > 0

const correlationCarried: SendCheck = {
  id: 'correlation-carried',
  member: 'correlation',
  promise: 'a message has the correlation id of the request or message that it follows from',
  stimuli: ['*'],
  about: isCarried,
  judge(trial, send, channels) {
    const all = causes(trial, send, channels).filter(
      ({ correlation, messages }) => correlation !== undefined && messages.length > 0,
    )
    if (all.length === 0) return undefined
    for (const { id, correlation, messages } of all) {
      const other = messages.find(({ attributes }) => attributes['correlationid'] !== correlation)
      if (other !== undefined)
        return broken(
          `a message has the correlation id ${other.attributes['correlationid'] ?? 'of nobody'}, not ${correlation}`,
          [id, String(other.attributes['id'])],
        )
    }
    return seen
  },
}

const traceCarried: SendCheck = {
  id: 'trace-carried',
  member: 'correlation',
  promise: 'a message is in the trace of the request or message that it follows from',
  stimuli: ['*'],
  about: isCarried,
  judge(trial, send, channels) {
    const all = causes(trial, send, channels).filter(
      ({ traceparent, messages }) => traceparent !== undefined && messages.length > 0,
    )
    if (all.length === 0) return undefined
    for (const { id, traceparent, messages } of all) {
      const other = messages.find(({ attributes }) => traceOf(attributes['traceparent']) !== traceOf(traceparent))
      if (other !== undefined)
        return broken(
          `a message is in the trace ${traceOf(other.attributes['traceparent']) ?? 'of nobody'}, not in ${traceOf(traceparent)}`,
          [id, String(other.attributes['id'])],
        )
    }
    return seen
  },
}

/** W3C Trace Context: version-trace-parent-flags. */
function traceOf(traceparent: string | undefined): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? '')?.[1]
}

export const carriedChecks: readonly SendCheck[] = [correlationCarried, traceCarried]
