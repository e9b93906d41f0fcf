/** The sending side: every effect has its message, no message is without one, and a replay sends the same again. */
import { at } from '../request/place.ts'
import { shownBy } from '../history/seen-messages.ts'
import type { Channels, MessageTrialView } from '../history/message-view.ts'
import type { SeenRecord } from '../history/message-records.ts'
import { succeeded } from '../history/trial-view.ts'
import type { Emits, SendFacts } from '../plan/message-facts.ts'
import { carriedChecks } from './carried.ts'
import { type Judgement, seen, unconfirmed } from './check.ts'
import { broken, type SendCheck } from './message-check.ts'

interface Balance {
  marker: string
  /** absent: not known */
  effects?: number
  /** not only told by an answer */
  counted: boolean
  /** all effects had their time when they were counted */
  settled: boolean
  messages: readonly SeenRecord[]
  /** it was asked for, or sent, more than once */
  repeated: boolean
  ids: readonly string[]
}

/** What was counted is strong; an answer that stands for an effect is not. */
function clean(all: readonly Balance[]): Judgement {
  return all.every(({ counted }) => counted) ? seen : { kind: 'clean', oracle: 'weak' }
}

/** Effects and messages of each marker of a trial. Empty: the trial is not about this send. */
function balances(trial: MessageTrialView, send: SendFacts, channels: Channels): Balance[] {
  // Where messages count the effects, they cannot show that each effect has its message: answers say so then.
  const { emits, counts = false } = send.shownBy.find(({ ref }) => ref === trial.record.ref) ?? {}
  if (emits === undefined || !channels.watched.includes(emits.channel)) return []
  const requests = Map.groupBy(
    trial.requests.filter(({ invoke }) => invoke.ref === trial.record.ref),
    ({ invoke }) => invoke.marker,
  )
  const messages = Map.groupBy(trial.messages, ({ marker }) => marker)
  return [
    ...[...requests].map(([marker, asked]): Balance => {
      const counted = counts ? undefined : countOf(trial, marker)
      // Where nothing counts effects, an answer of success stands for one, and refusals for none.
      const told = asked.some(succeeded) ? 1 : asked.every(({ end }) => end?.type === 'fail') ? 0 : undefined
      const effects = counted?.effects ?? told
      return {
        marker,
        ...(effects !== undefined && { effects }),
        counted: counted !== undefined,
        settled: counted?.settled ?? true,
        messages: shownBy(channels.seen, emits, marker),
        repeated: asked.length > 1,
        ids: asked.map(({ invoke }) => invoke.id),
      }
    }),
    ...[...messages].map(([marker, given]): Balance => {
      const counted = countOf(trial, marker)
      return {
        marker,
        ...counted,
        counted: counted !== undefined,
        settled: counted?.settled ?? false,
        messages: shownBy(channels.seen, emits, marker),
        repeated: given.length > 1,
        ids: [...new Set(given.map(({ id }) => id))],
      }
    }),
  ]
}

function countOf(trial: MessageTrialView, marker: string): { effects?: number; settled: boolean } | undefined {
  const reading = trial.effects.get(marker)
  return reading?.count === undefined ? undefined : { effects: reading.count, settled: reading.settled }
}

const emitsOf = (send: SendFacts, trial: MessageTrialView): Emits =>
  send.shownBy.find(({ ref }) => ref === trial.record.ref)!.emits

const isShown = (send: SendFacts): boolean => send.promised.delivery !== undefined && send.shownBy.length > 0

const effectHasMessage: SendCheck = {
  id: 'effect-has-message',
  member: 'delivery',
  promise: 'every effect has its message, also when the service dies in between',
  stimuli: ['*'],
  about: isShown,
  judge(trial, send, channels) {
    const done = balances(trial, send, channels).filter(({ effects = 0, settled }) => effects > 0 && settled)
    if (done.length === 0) return undefined
    if (channels.collectedAt === undefined) return unconfirmed('the run ended before all messages had come')
    const { times } = emitsOf(send, trial)
    const lost = done.find(({ effects = 0, messages }) => messages.length < times * Math.min(effects, 1))
    return lost === undefined
      ? clean(done)
      : broken(
          `an effect (${lost.marker}) has ${lost.messages.length} messages where there should be ${times}`,
          lost.ids,
        )
  },
}

const pushed: SendCheck = {
  ...effectHasMessage,
  id: 'pushed',
  member: 'push',
  promise: 'whatever asking shows has been pushed, too',
  about: ({ promised, shownBy: shows }) => promised.push !== undefined && shows.length > 0,
}

const messageHasEffect: SendCheck = {
  id: 'message-has-effect',
  member: 'delivery',
  promise: 'no message is without its effect',
  stimuli: ['*'],
  about: isShown,
  judge(trial, send, channels) {
    const all = balances(trial, send, channels).filter(({ effects, settled }) => effects === 0 && settled)
    if (all.length === 0 || channels.collectedAt === undefined) return undefined
    const alone = all.find(({ messages }) => messages.length > 0)
    return alone === undefined
      ? clean(all)
      : broken(`there is no effect of ${alone.marker}, and a message tells of it`, alone.ids)
  },
}

const sameMessage: SendCheck = {
  id: 'same-message',
  member: 'delivery',
  promise: 'a repeated request sends the same message, with the same id, or none; not another one',
  stimuli: ['*'],
  about: isShown,
  judge(trial, send, channels) {
    const all = balances(trial, send, channels).filter(({ effects = 0, repeated }) => effects > 0 && repeated)
    if (all.length === 0 || channels.collectedAt === undefined) return undefined
    const { times } = emitsOf(send, trial)
    const twice = all.find(({ effects = 0, messages }) => messages.length > times * effects)
    return twice === undefined
      ? clean(all)
      : broken(
          `${twice.effects === 1 ? 'one effect' : `${twice.effects} effects`}, and ${twice.messages.length} messages with different ids`,
          twice.ids,
        )
  },
}

const orderingKeySent: SendCheck = {
  id: 'ordering-key',
  member: 'ordering',
  promise: 'every message carries the ordering key that `ordering.by` names',
  stimuli: ['*'],
  about: ({ promised, ordering, shownBy: shows }) =>
    promised.ordering !== undefined &&
    typeof ordering === 'object' &&
    ordering.by.source === 'message.payload' &&
    shows.length > 0,
  judge(trial, { ordering, ...send }, channels) {
    if (typeof ordering !== 'object' || ordering.by.source !== 'message.payload') return undefined
    const { pointer } = ordering.by
    const mine = balances(trial, { ordering, ...send }, channels).flatMap(({ messages }) => messages)
    if (mine.length === 0) return undefined
    const wrong = mine.find(({ attributes, data }) => {
      const value = at(JSON.parse(data), pointer)
      return attributes['partitionkey'] !== (typeof value === 'string' ? value : JSON.stringify(value))
    })
    return wrong === undefined
      ? seen
      : broken(`a message has the ordering key ${wrong.attributes['partitionkey'] ?? 'of nobody'}`, [
          String(wrong.attributes['id']),
        ])
  },
}

export const sendChecks: readonly SendCheck[] = [
  effectHasMessage,
  messageHasEffect,
  sameMessage,
  orderingKeySent,
  pushed,
  ...carriedChecks,
]
