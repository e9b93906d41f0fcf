/** The receiving side: what is given up, after how many attempts, and what that does to others. */
import { type Channels, type MessageTrialView, sent } from '../history/message-view.ts'
import { names } from '../history/seen-messages.ts'
import type { ReceiveFacts } from '../plan/message-facts.ts'
import { skipsPoison } from '../request/build-message.ts'
import { type Judgement, seen, unconfirmed } from './check.ts'
import { broken, type ReceiveCheck } from './message-check.ts'
import { inOrder } from './message-order.ts'
import { oneEffectEach } from './received.ts'

const isKept = ({ promised, deadLetter }: ReceiveFacts): boolean =>
  promised.deadLetter !== undefined && deadLetter !== 'none'

/** The poison had no effect; if it had, it was none. */
function poisonOf(trial: MessageTrialView): { id: string; marker: string; source: string; at: number } | Judgement {
  const [poison] = sent(trial, 'poison')
  if (poison === undefined) return unconfirmed('the run ended before the poison was sent')
  const reading = trial.effects.get(`${poison.marker}:poison`) ?? trial.effects.get(poison.marker)
  if ((reading?.count ?? 0) > 0) return unconfirmed('the `poison` of x-probe had an effect: it is none')
  return poison
}

/** A machine that starves this program starves the service and what it depends on, too. */
function lateSince({ lags }: Channels, from: number): number {
  return lags.filter(({ at }) => at >= from).reduce((sum, { ms }) => sum + ms, 0)
}

const deadLetter: ReceiveCheck = {
  id: 'dead-letter',
  member: 'deadLetter',
  promise: 'a message that fails its last attempt is a dead letter: with its id, its content and the reason',
  stimuli: ['poison'],
  about: isKept,
  judge(trial, _, channels) {
    const poison = poisonOf(trial)
    if ('kind' in poison) return poison
    const [dead] = trial.dead
    if (dead === undefined) {
      const read = trial.effects.get(`${poison.marker}:poison`) ?? trial.effects.get(poison.marker)
      if (read?.settled !== true) return unconfirmed('the run ended before')
      const lateMs = lateSince(channels, poison.at)
      return lateMs > 500
        ? unconfirmed(`no dead letter came, while this machine was late itself, by ${Math.round(lateMs)} ms`)
        : broken('no dead letter came', [poison.id])
    }
    if (dead.id !== poison.id || dead.source !== poison.source)
      return broken(`the dead letter is ${dead.source ?? '?'} ${dead.id ?? 'without an id'}, not the message`, [
        poison.id,
      ])
    if (!dead.sameData) return broken('the dead letter has another content than the message', [poison.id])
    if (dead.reason === undefined) return broken('the dead letter does not say why', [poison.id])
    return seen
  },
}

const attempts: ReceiveCheck = {
  id: 'attempts',
  member: 'retry',
  promise: 'a message is tried as often as `attempts` says, and not more',
  stimuli: ['poison'],
  about: ({ promised, deadLetter }) => promised.retry !== undefined && deadLetter !== 'none',
  judge(trial, operation) {
    const poison = poisonOf(trial)
    if ('kind' in poison) return poison
    const [dead] = trial.dead
    if (dead === undefined) return unconfirmed('no dead letter came, which would tell its attempts')
    if (dead.attempts === undefined) return unconfirmed('the dead letter does not say how often it was tried')
    // Refused for what it is, before any handler had it: nothing is told of attempts.
    if (dead.attempts === 0) return undefined
    return dead.attempts === operation.attempts
      ? seen
      : broken(`it was tried ${dead.attempts} times; ${operation.attempts} are declared`, [poison.id])
  },
}

const aroundPoison: ReceiveCheck = {
  id: 'around-poison',
  member: 'deadLetter',
  promise: 'messages of other keys, before and after a failing one, have their effects',
  stimuli: ['poison'],
  about: (operation) =>
    isKept(operation) && operation.deadLetter !== 'none' && operation.deadLetter.onPoison !== 'hold-all',
  judge(trial, { deadLetter }, channels) {
    const poison = poisonOf(trial)
    if ('kind' in poison) return poison
    const around = sent(trial, 'around')
    const found = oneEffectEach(trial, around)
    if (found?.kind !== 'violated') return found ?? seen
    // A dependency of the service goes through this machine: where that was late, what was healthy may fail as often as
    // it is tried, and be given up as declared.
    const lost = around.filter(({ marker }) => trial.effects.get(marker)?.count === 0)
    const letters = channels.seen.filter(({ channel }) => deadLetter !== 'none' && channel === deadLetter.channel)
    const givenUp = lost.length > 0 && lost.every(({ marker }) => letters.some(({ data }) => names(data, marker)))
    const lateMs = lateSince(channels, Math.min(...around.map(({ at }) => at)))
    return givenUp && lateMs > 500
      ? unconfirmed(`healthy messages were given up, while this machine was late itself, by ${Math.round(lateMs)} ms`)
      : found
  },
}

const pastPoison: ReceiveCheck = {
  id: 'past-poison',
  member: 'deadLetter',
  promise:
    'with `onPoison: skip`, messages of its key have their effects once it is dead: each, and in order where order is promised',
  stimuli: ['poison'],
  about: (operation) => isKept(operation) && skipsPoison(operation),
  judge(trial, { promised, ordering }) {
    const poison = poisonOf(trial)
    if ('kind' in poison) return poison
    const behind = sent(trial, 'behind')
    if (behind.length === 0) return unconfirmed('the run ended before anything was sent behind the poison')
    // Before it is dead they may wait.
    const [dead] = trial.dead
    if (dead === undefined) return unconfirmed('the failing message was not seen to fail: no dead letter came')
    const unlike = oneEffectEach(trial, behind)
    if (unlike !== undefined) return unlike
    const ordered = promised.ordering !== undefined && ordering !== 'none' && behind.length > 1
    return ordered ? inOrder(trial, 'behind') : seen
  },
}

export const deadLetterChecks: readonly ReceiveCheck[] = [deadLetter, attempts, aroundPoison, pastPoison]
