/** The receiving side: one ordering key, in order. */
import { type MessageTrialView, sent } from '../history/message-view.ts'
import { type Judgement, seen, unconfirmed } from './check.ts'
import { broken, type ReceiveCheck, uncertainKill } from './message-check.ts'

/** The messages of this role, all of one key. */
export function inOrder(trial: MessageTrialView, role = 'next'): Judgement {
  const messages = sent(trial, role)
  const [reading] = trial.orders.slice(-1)
  if (messages.length < 2) return unconfirmed('the run ended before the messages were sent')
  if (reading?.markers === undefined)
    return unconfirmed(`the order could not be read: ${reading?.why ?? 'the run ended before'}`)
  const place = new Map(messages.map(({ marker }, at) => [marker, at]))
  // Each at its first effect: a second one is another check's.
  const places = [...new Set(reading.markers)].map((marker) => place.get(marker)).filter((at) => at !== undefined)
  const wrong = places.findIndex((at, index) => index > 0 && at < places[index - 1]!)
  if (wrong > 0) {
    const [late, early] = [messages[places[wrong]!]!, messages[places[wrong - 1]!]!]
    return broken(
      `message ${places[wrong]! + 1} of ${messages.length} had its effect after message ${places[wrong - 1]! + 1}`,
      [late.id, early.id],
    )
  }
  return places.length >= 2 && places.length === messages.length
    ? seen
    : unconfirmed(`only ${places.length} of ${messages.length} messages had an effect`)
}

const isOrdered: ReceiveCheck['about'] = ({ promised, ordering }) =>
  promised.ordering !== undefined && ordering !== 'none'

const messageOrder: ReceiveCheck = {
  id: 'message-order',
  member: 'ordering',
  promise: 'the messages of a key have their effects in the order they were sent in, with copies among them',
  stimuli: ['message-order'],
  about: isOrdered,
  judge: (trial) => inOrder(trial),
}

const orderCrash: ReceiveCheck = {
  id: 'order-crash',
  member: 'ordering',
  promise: 'so they have when the service dies among them and comes back',
  stimuli: ['order-crash'],
  about: isOrdered,
  judge(trial) {
    if (trial.messages.length === 0) return undefined
    const why = uncertainKill(trial, true)
    const judged = inOrder(trial)
    return judged.kind === 'violated' || why === undefined ? judged : unconfirmed(why)
  },
}

const behindPoison: ReceiveCheck = {
  id: 'behind-poison',
  member: 'ordering',
  promise: 'what comes behind a failing message of its key waits for it, as `onPoison` says',
  stimuli: ['poison'],
  about: (operation) =>
    isOrdered(operation) && operation.deadLetter !== 'none' && operation.deadLetter.onPoison !== 'skip',
  judge(trial) {
    const behind = sent(trial, 'behind')
    if (behind.length === 0) return undefined
    const went = behind.find(({ marker }) => (trial.effects.get(marker)?.count ?? 0) > 0)
    if (went !== undefined)
      return broken('a message had its effect while an earlier one of its key was not done', [went.id])
    const read = behind.every(({ marker }) => trial.effects.get(marker)?.settled === true)
    if (!read) return unconfirmed('the run ended before')
    return trial.dead.length > 0 ? seen : unconfirmed('the failing message was not seen to fail: no dead letter came')
  },
}

export const orderChecks: readonly ReceiveCheck[] = [messageOrder, orderCrash, behindPoison]
