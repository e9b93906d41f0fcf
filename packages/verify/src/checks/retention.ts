/** Idempotency at the end of a key's retention: known until then, and whole again after it. */
import { one, statusText, succeeded, type TrialView } from '../history/trial-view.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import type { Answer } from '../wire/outgoing.ts'
import { type Check, clean, type Judgement, unconfirmed, violated } from './check.ts'
import { effectsAre } from './effects.ts'
import { difference } from './same-answer.ts'

const isKeyed = (operation: OperationFacts): boolean => typeof operation.idempotency !== 'string'

interface Sent {
  readonly first: Answer
  readonly copy: NonNullable<ReturnType<typeof one>> & { readonly answer: Answer }
  /** of the key, when it was sent and when the answer was there; ms */
  readonly sentAge: number
  readonly answeredAge: number
  readonly retentionMs: number
}

/** What was sent at its time; a judgement where nothing follows from it. */
function sentAgain(trial: TrialView, operation: OperationFacts): Sent | Judgement {
  const { facts = {}, at } = trial.record
  const copy = one(trial, 'copy')
  if (copy === undefined) return unconfirmed([...trial.effects.values()][0]?.why ?? 'the run ended before it was sent')
  if (copy.answer === undefined || copy.end?.sentAt === undefined)
    return unconfirmed(`no answer came (${statusText(copy)})`)
  const { marker } = copy.invoke
  const before = trial.effects.get(`${marker}:before`)
  if (operation.probe.oracle === 'strong' && before?.count !== 1)
    return unconfirmed(
      `before it was sent again its effect could not be seen (${before?.count ?? before?.why}): was it removed since it was planted?`,
    )
  const ageMs = Number(facts['ageMs'])
  return {
    first: facts['answer'] as Answer,
    copy: { ...copy, answer: copy.answer },
    sentAge: ageMs + copy.end.sentAt - at,
    answeredAge: ageMs + (copy.end.lastByteAt ?? copy.end.at) - at,
    retentionMs: Number(facts['retentionMs']),
  }
}

export const knownUntilRetention: Check = {
  id: 'until-retention',
  member: 'idempotency',
  promise: 'a key is known until its retention ends',
  stimuli: ['due'],
  about: isKeyed,
  judge: (trial, operation, { volatile }) => {
    if (trial.record.facts?.['send'] !== 'before') return undefined
    const sent = sentAgain(trial, operation)
    if ('kind' in sent) return sent
    const { first, copy, answeredAge, retentionMs } = sent
    if (answeredAge >= retentionMs) return unconfirmed('the answer came after its retention had ended')
    const counted = effectsAre(1, trial, operation, copy.invoke.marker, [copy])
    if (counted !== undefined) return counted
    const differs = difference(first, copy.answer, operation, volatile)
    return differs === undefined ? clean(operation) : violated(differs, [copy])
  },
}

export const wholeAfterRetention: Check = {
  id: 'after-retention',
  member: 'idempotency',
  promise: 'after its retention a key gets its first answer still, or is a new one with an effect of its own',
  stimuli: ['due'],
  about: isKeyed,
  judge: (trial, operation, { volatile }) => {
    if (trial.record.facts?.['send'] !== 'after') return undefined
    const sent = sentAgain(trial, operation)
    if ('kind' in sent) return sent
    const { first, copy, sentAge, retentionMs } = sent
    if (sentAge <= retentionMs) return unconfirmed('it was sent before its retention had ended')
    if (copy.answer.status >= 500) return unconfirmed(`it was answered ${copy.answer.status}`)
    if (!succeeded(copy))
      return violated(`it was answered ${copy.answer.status}: neither its first answer nor a new one`, [copy])
    const kept = difference(first, copy.answer, operation, volatile) === undefined
    const one = effectsAre(1, trial, operation, copy.invoke.marker, [copy])
    // Longer than promised, too, is kept.
    if (kept && one === undefined) return clean(operation)
    const two = effectsAre(2, trial, operation, copy.invoke.marker, [copy])
    if (two === undefined) return clean(operation)
    if (two.kind === 'violated' && one === undefined)
      return violated('it was answered as a new one, and has no effect of its own', [copy])
    return two
  },
}
