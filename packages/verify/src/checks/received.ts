/** The receiving side: each message has its effect, once, whatever happens. */
import { type MessageTrialView, sent } from '../history/message-view.ts'
import type { MessageRecord } from '../history/message-records.ts'
import { faultMet } from '../history/trial-view.ts'
import { hungLimitMs } from '../stimuli/message-hung.ts'
import type { ReceiveFacts } from '../plan/message-facts.ts'
import { type Judgement, unconfirmed } from './check.ts'
import { broken, type ReceiveCheck, uncertainKill } from './message-check.ts'

/** Each of these messages has one effect. Undefined: it has. */
export function oneEffectEach(trial: MessageTrialView, messages: readonly MessageRecord[]): Judgement | undefined {
  let unknown: Judgement | undefined
  for (const { marker, id, role } of messages) {
    const reading = trial.effects.get(marker)
    if (reading?.count === undefined) {
      unknown ??= unconfirmed(`effects could not be counted: ${reading?.why ?? 'the run ended before'}`)
      continue
    }
    if (reading.count > 1) return broken(`${reading.count} effects where there should be one`, [id])
    if (reading.count === 1) continue
    if (!reading.settled) unknown ??= unconfirmed('effects were counted before all of them had their time')
    else return broken(`${role === 'first' ? 'a' : `a (${role})`} message had no effect: it is lost`, [id])
  }
  return unknown
}

const strong = ({ probe }: ReceiveFacts): Judgement => ({
  kind: 'clean',
  oracle: probe.oracle === 'strong' ? 'strong' : 'weak',
})

const keepsOnce = (operation: ReceiveFacts): boolean => operation.promised.idempotency !== undefined

/** The copy was taken in: what came behind it on its key had its effect. */
function afterCopy(trial: MessageTrialView, operation: ReceiveFacts): Judgement {
  const first = sent(trial, 'first')
  const before = trial.effects.get(first[0]?.marker ?? '')
  if (before?.count === 0) return unconfirmed('the first message had no effect, so its copy shows nothing')
  const counted = oneEffectEach(trial, first)
  if (counted !== undefined) return counted
  const behind = sent(trial, 'behind')
  const taken = behind.length > 0 && behind.every(({ marker }) => (trial.effects.get(marker)?.count ?? 0) > 0)
  return taken
    ? strong(operation)
    : unconfirmed('it is not known that the copy was taken in: what came behind it had no effect')
}

const messageTwice: ReceiveCheck = {
  id: 'message-twice',
  member: 'idempotency',
  promise: 'the same message again has no second effect',
  stimuli: ['message-copy'],
  about: keepsOnce,
  judge: afterCopy,
}

const messagesAtOnce: ReceiveCheck = {
  id: 'messages-at-once',
  member: 'idempotency',
  promise: 'copies of a message that come at once have one effect together',
  stimuli: ['messages-at-once'],
  about: keepsOnce,
  judge: (trial, operation) => oneEffectEach(trial, sent(trial, 'copy')) ?? strong(operation),
}

const sameIntent: ReceiveCheck = {
  id: 'same-intent',
  member: 'idempotency',
  promise: 'a message with another id and the same key and content has no second effect',
  stimuli: ['same-intent'],
  about: keepsOnce,
  judge: afterCopy,
}

const messageAfterRestart: ReceiveCheck = {
  id: 'message-after-restart',
  member: 'idempotency',
  promise: 'the same message again after a restart has no second effect',
  stimuli: ['message-restart'],
  about: keepsOnce,
  judge(trial, operation) {
    const why = uncertainKill(trial, false)
    if (why !== undefined) return unconfirmed(why)
    if (!trial.messages.some(({ role }) => role === 'copy'))
      return unconfirmed('the run ended before the copy was sent')
    return oneEffectEach(trial, sent(trial, 'first')) ?? strong(operation)
  },
}

const messageCrash: ReceiveCheck = {
  id: 'message-crash',
  member: 'delivery',
  promise: 'what was being handled when the service died has its effect once it is back, and one',
  stimuli: ['message-crash'],
  about: ({ promised }) => promised.delivery !== undefined,
  judge(trial, operation) {
    const why = uncertainKill(trial, true)
    if (why !== undefined) return unconfirmed(why)
    return oneEffectEach(trial, sent(trial, 'first')) ?? strong(operation)
  },
}

const messageRecovers: ReceiveCheck = {
  id: 'message-recovers',
  member: 'retry',
  promise: 'a message that failed for a moment has its effect in the end, and one',
  stimuli: ['message-transient'],
  about: ({ promised }) => promised.retry !== undefined,
  judge(trial, operation) {
    // A dependency that this operation does not use says nothing about it.
    if (!faultMet(trial)) return undefined
    return oneEffectEach(trial, sent(trial, 'first')) ?? strong(operation)
  },
}

const messageTimeout: ReceiveCheck = {
  id: 'message-timeout',
  member: 'timeout',
  promise: 'an attempt that is held up is given up after `timeout`, and the message has its effect in the end',
  stimuli: ['message-hung'],
  about: ({ promised }) => promised.timeout !== undefined,
  judge(trial, operation) {
    const [message] = sent(trial, 'first')
    const healed = trial.faults.find(({ what }) => what === 'heal')
    if (message === undefined || healed === undefined) return unconfirmed('the run ended before')
    const reading = trial.effects.get(message.marker)
    if (!faultMet(trial)) return undefined
    const first = trial.firstSeen.get(message.marker)
    if (reading?.count === undefined)
      return unconfirmed(`effects could not be counted: ${reading?.why ?? 'the run ended before'}`)
    const { timeoutMs } = operation
    const waited = Math.round((first?.at ?? reading.at) - message.at)
    if (reading.count > 1) return broken(`${reading.count} effects where there should be one`, [message.id])
    return first === undefined || first.at - message.at > hungLimitMs(operation)
      ? broken(`it had no effect for ${waited} ms; an attempt may take ${timeoutMs} ms`, [message.id])
      : strong(operation)
  },
}

export const receivedChecks: readonly ReceiveCheck[] = [
  messageTwice,
  messagesAtOnce,
  sameIntent,
  messageAfterRestart,
  messageCrash,
  messageRecovers,
  messageTimeout,
]
