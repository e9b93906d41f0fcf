/** Idempotency: repeated requests, and how their answers should be. */
import {
  faultMet,
  one,
  type RequestView,
  statusText,
  succeeded,
  type TrialView,
  turnedAway,
} from '../history/trial-view.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { type Check, clean, type Judgement, unconfirmed, violated } from './check.ts'
import { exactlyOnce } from './effects.ts'
import { difference } from './same-answer.ts'

const isKeyed = (operation: OperationFacts): boolean => typeof operation.idempotency !== 'string'
const isNatural = (operation: OperationFacts): boolean =>
  operation.idempotency === 'natural' && operation.promised.idempotency !== undefined

function oneAfterTheOther(trial: TrialView, operation: OperationFacts): Judgement {
  const first = one(trial, 'first')
  if (!succeeded(first)) return unconfirmed(`the first request did not succeed (${statusText(first)})`)
  return exactlyOnce(trial, operation)
}

function atOnce(trial: TrialView, operation: OperationFacts): Judgement {
  const judged = exactlyOnce(trial, operation)
  if (judged.kind !== 'clean') return judged
  const overlapping = overlappingCopies(trial).length
  return overlapping >= 2 ? judged : unconfirmed('they did not overlap: one was answered before another was sent')
}

/** A copy was on its way while the first was being handled. */
function whileItRan(trial: TrialView, operation: OperationFacts): Judgement | undefined {
  if (trial.faults.length > 0 && !faultMet(trial)) return undefined
  const first = one(trial, 'first')
  const copies = trial.requests.filter(({ invoke }) => invoke.role === 'copy')
  const judged = exactlyOnce(trial, operation)
  if (judged.kind !== 'clean') return judged
  const end = first?.end?.firstByteAt
  if (end === undefined) return unconfirmed(`the first got no answer (${statusText(first)})`)
  const overlapped = copies.filter(
    ({ end: copied }) => copied?.sentAt !== undefined && copied.sentAt > first!.end!.sentAt! && copied.sentAt < end,
  )
  if (overlapped.length === 0)
    return unconfirmed(
      `no copy was on its way before the first was answered, after ${(end - first!.end!.sentAt!).toFixed(1)} ms`,
    )
  return judged
}

export const sequential: Check = {
  id: 'sequential',
  member: 'idempotency',
  promise: 'a second request with the key of a done one has no second effect',
  stimuli: ['sequence'],
  about: isKeyed,
  judge: oneAfterTheOther,
}

export const simultaneous: Check = {
  id: 'simultaneous',
  member: 'idempotency',
  promise: 'copies that arrive at once have one effect together',
  stimuli: ['burst'],
  about: isKeyed,
  judge: atOnce,
}

export const lateOverlap: Check = {
  id: 'late-overlap',
  member: 'idempotency',
  promise: 'a copy that arrives while the first still runs has no effect of its own, however late it comes',
  stimuli: ['late', 'stalled-overlap'],
  about: isKeyed,
  judge: whileItRan,
}

export const instancesAgree: Check = {
  id: 'instances',
  member: 'idempotency',
  promise: 'a key is known to every instance',
  stimuli: ['instances'],
  about: isKeyed,
  judge: (trial, operation) => {
    const used = new Set(trial.requests.map(({ invoke }) => invoke.instance))
    return used.size < 2 ? unconfirmed('only one instance was asked') : exactlyOnce(trial, operation)
  },
}

export const keptKeys: Check = {
  id: 'kept',
  member: 'idempotency',
  promise: 'a key is still known at the end of the run',
  stimuli: ['kept'],
  about: isKeyed,
  judge: (trial, operation) => {
    const copy = one(trial, 'copy')
    if (copy?.end === undefined) return unconfirmed('the run ended before the copy was sent')
    return oneAfterTheOther(trial, operation)
  },
}

export const naturalRepeat: Check = {
  id: 'natural-repeat',
  member: 'idempotency',
  promise: 'repeating the request leaves the effect of one',
  stimuli: ['sequence'],
  about: isNatural,
  judge: oneAfterTheOther,
}

export const naturalOverlap: Check = {
  id: 'natural-overlap',
  member: 'idempotency',
  promise: 'copies at once leave the effect of one',
  stimuli: ['burst', 'late'],
  about: isNatural,
  judge: (trial, operation) =>
    trial.record.stimulus === 'burst' ? atOnce(trial, operation) : whileItRan(trial, operation),
}

export const replayedAnswer: Check = {
  id: 'replayed-answer',
  member: 'idempotency',
  promise: 'a second request gets the first answer: status, body, declared headers',
  stimuli: ['sequence'],
  about: isKeyed,
  judge: (trial, operation, { volatile }) => {
    const first = one(trial, 'first')
    if (!succeeded(first) || first?.answer === undefined)
      return unconfirmed(`the first request did not succeed (${statusText(first)})`)
    const copies = trial.requests.filter(({ invoke }) => invoke.role === 'copy')
    const answered = copies.filter((copy) => copy.answer !== undefined && !turnedAway(copy))
    for (const copy of answered) {
      const differs = difference(first.answer, copy.answer!, operation, volatile)
      if (differs !== undefined) return violated(differs, [first, copy])
    }
    const silent = copies.find((copy) => copy.answer === undefined)
    if (silent !== undefined) return unconfirmed(`a copy got no answer (${statusText(silent)})`)
    const away = copies.find(turnedAway)
    if (away !== undefined) return unconfirmed(`the service had no time for a copy (${statusText(away)})`)
    return copies.length > 0 ? clean(operation) : unconfirmed('no copy was sent')
  },
}

export const overlapAnswer: Check = {
  id: 'overlap-answer',
  member: 'idempotency',
  promise: 'a copy that comes while the first runs is answered as `onOverlap` says',
  stimuli: ['burst', 'late', 'stalled-overlap'],
  about: isKeyed,
  judge: (trial, operation, { volatile }) => {
    if (typeof operation.idempotency === 'string') return undefined
    if (trial.faults.length > 0 && !faultMet(trial)) return undefined
    const { onOverlap } = operation.idempotency
    const winners = trial.requests.filter(succeeded)
    const [winner] = winners
    if (winner?.answer === undefined) return unconfirmed('no request succeeded')
    // Which of several that ran is "the first"? The checks of effects say what is wrong there.
    const different = winners.find(
      ({ answer }) => difference(winner.answer!, answer!, operation, volatile) !== undefined,
    )
    if (different !== undefined) return unconfirmed('the answers that succeeded differ')
    const copies = overlappingCopies(trial).filter(({ answer }) => answer !== undefined)
    const refusedOnes = copies.filter((request) => !succeeded(request))
    const others = refusedOnes.filter(({ answer }) => answer!.status !== 409)
    const wrong = others.find((one) => !turnedAway(one)) ?? others[0]
    // Whoever waited becomes the first where that one failed, and may fail on its own.
    if (wrong !== undefined && trial.faults.length > 0 && wrong.answer!.status >= 500)
      return unconfirmed('a copy failed while the dependency was held up')
    if (wrong !== undefined && turnedAway(wrong))
      return unconfirmed(`the service had no time for a copy (${statusText(wrong)})`)
    if (wrong !== undefined)
      return violated(`a copy that overlapped was answered ${wrong.answer!.status}`, [winner, wrong])
    const [refusal] = refusedOnes
    if (onOverlap === 'wait') {
      if (refusal !== undefined) return violated('a copy that should have waited was refused (409)', [winner, refusal])
      return copies.length > 1 ? clean(operation) : unconfirmed('no copy overlapped')
    }
    const bare = refusedOnes.find(({ answer }) => answer!.headers['retry-after'] === undefined)
    if (bare !== undefined) return violated('a copy was refused (409) without Retry-After', [winner, bare])
    return refusal === undefined
      ? unconfirmed('no copy was refused: it came too late, or the server lets copies wait')
      : clean(operation)
  },
}

/** The one that succeeded first, and those that were under way at a moment when it was too. */
function overlappingCopies(trial: TrialView): RequestView[] {
  const [winner] = trial.requests
    .filter(succeeded)
    .sort((a, b) => (a.end?.firstByteAt ?? Infinity) - (b.end?.firstByteAt ?? Infinity))
  const [from, to] = [winner?.end?.sentAt, winner?.end?.firstByteAt]
  if (from === undefined || to === undefined) return []
  return trial.requests.filter(
    ({ end }) => end?.sentAt !== undefined && end.sentAt < to && (end.firstByteAt ?? Infinity) > from,
  )
}
