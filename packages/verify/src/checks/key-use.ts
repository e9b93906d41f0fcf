/** Idempotency: what counts as the same key, and as the same request. */
import { one, type RequestView, statusText, succeeded, type TrialView, turnedAway } from '../history/trial-view.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { type Check, clean, type Judgement, unconfirmed, violated } from './check.ts'
import { effectsAre, exactlyOnce } from './effects.ts'
import { difference } from './same-answer.ts'

const away = (request: RequestView): Judgement => unconfirmed(`the service had no time for it (${statusText(request)})`)

const isKeyed = (operation: OperationFacts): boolean => typeof operation.idempotency !== 'string'

export const mismatchRefused: Check = {
  id: 'mismatch',
  member: 'idempotency',
  promise: 'the same key with another body is answered as `onMismatch` says, and has no effect',
  stimuli: ['mismatch'],
  about: isKeyed,
  judge: (trial, operation, { volatile }) => {
    if (typeof operation.idempotency === 'string') return undefined
    const first = one(trial, 'first')
    const others = trial.requests.filter(({ invoke }) => invoke.role === 'other')
    if (!succeeded(first) || first?.answer === undefined)
      return unconfirmed(`the first request did not succeed (${statusText(first)})`)
    const answered = others.filter(({ answer }) => answer !== undefined)
    if (answered.length === 0) return unconfirmed(`the other got no answer (${statusText(others.at(-1))})`)
    const { onMismatch } = operation.idempotency
    const judged = answered.map(
      (other) => mismatchAnswer(onMismatch, first, other, operation, volatile) ?? refusedAnyway(trial, other),
    )
    const wrong = judged.find((one) => one?.kind === 'violated')
    // A wrong answer to one value names that value; a count of effects cannot.
    if (wrong !== undefined && answered.some(({ invoke }) => invoke.about !== undefined)) return wrong
    for (const other of answered) {
      const apart = other.invoke.marker !== first.invoke.marker
      const counted =
        (apart ? effectsAre(0, trial, operation, other.invoke.marker, [first, other]) : undefined) ??
        effectsAre(1, trial, operation, first.invoke.marker, [first, other])
      if (counted?.kind === 'violated' || (counted !== undefined && wrong === undefined)) return counted
    }
    if (wrong !== undefined) return wrong
    return judged.includes(undefined) ? clean(operation) : judged[0]!
  },
}

/** What is refused with a key of its own is not refused for the key. Undefined: it is taken, or nobody asked. */
function refusedAnyway(trial: TrialView, { invoke: { about }, answer }: RequestView): Judgement | undefined {
  if (answer?.status !== 422) return undefined
  const control = trial.requests.find(({ invoke }) => invoke.role === 'control' && invoke.about === about)
  if (control === undefined || succeeded(control)) return undefined
  const body = about === undefined ? 'another body' : `a body with ${about} changed`
  return unconfirmed(
    `${body} was refused (422), and with a key of its own it did not succeed either (${statusText(control)}): it is not known what was refused`,
  )
}

/** Undefined: as `onMismatch` says. */
function mismatchAnswer(
  onMismatch: 'reject' | 'replay',
  first: RequestView,
  other: RequestView,
  operation: OperationFacts,
  volatile: readonly string[],
): Judgement | undefined {
  const { about } = other.invoke
  const { status } = other.answer!
  if (turnedAway(other)) return away(other)
  const body = about === undefined ? 'another body' : `another body (${about} changed)`
  // A service may know more of a value than its schema says, and refuse it before it looks at the key.
  if (about !== undefined && status >= 300 && status !== 422)
    return unconfirmed(`${body} was answered ${status}: it may be refused for that value`)
  if (onMismatch === 'reject')
    return status === 422
      ? undefined
      : violated(`${body} with the same key was answered ${status}, not 422`, [first, other])
  const differs = difference(first.answer!, other.answer!, operation, volatile)
  return differs === undefined
    ? undefined
    : violated(`the first answer was promised${about === undefined ? '' : ` for ${body}`}, and ${differs}`, [
        first,
        other,
      ])
}

export const reformattedSame: Check = {
  id: 'reformatted',
  member: 'idempotency',
  promise: 'the same JSON, written differently, is the same request',
  stimuli: ['reformatted'],
  about: isKeyed,
  judge: (trial, operation) => {
    const [first, copy] = [one(trial, 'first'), one(trial, 'copy')]
    if (!succeeded(first)) return unconfirmed(`the first request did not succeed (${statusText(first)})`)
    if (copy?.answer === undefined) return unconfirmed(`the second got no answer (${statusText(copy)})`)
    if (turnedAway(copy)) return away(copy)
    if (first?.invoke.body === copy.invoke.body) return unconfirmed('there was nothing to write differently')
    if (!succeeded(copy))
      return violated(`other spaces and another order of members were answered ${copy.answer.status}`, [first!, copy])
    return exactlyOnce(trial, operation)
  },
}

export const otherOperationApart: Check = {
  id: 'other-operation',
  member: 'idempotency',
  promise: 'a key belongs to one operation: on another it is a new one',
  stimuli: ['other-operation'],
  about: isKeyed,
  judge: (trial, operation) => {
    const [other, first] = [one(trial, 'other'), one(trial, 'first')]
    if (!succeeded(other))
      return unconfirmed(
        `the request to ${other?.invoke.ref ?? 'the other operation'} did not succeed (${statusText(other)})`,
      )
    if (first?.answer === undefined) return unconfirmed(`no answer came (${statusText(first)})`)
    if (turnedAway(first)) return away(first)
    if (!succeeded(first))
      return violated(`a key that ${other!.invoke.ref} had used was answered ${first.answer.status} here`, [
        other!,
        first,
      ])
    return effectsAre(1, trial, operation, first.invoke.marker, [other!, first]) ?? clean(operation)
  },
}

export const otherCallerApart: Check = {
  id: 'other-caller',
  member: 'idempotency',
  promise: 'keys are kept apart, or shared, between callers as `scope` says',
  stimuli: ['other-caller'],
  about: isKeyed,
  judge: (trial, operation) => {
    if (typeof operation.idempotency === 'string') return undefined
    const [control, first, other] = [one(trial, 'control'), one(trial, 'first'), one(trial, 'other')]
    if (!succeeded(control)) return unconfirmed(`the other caller may not use this operation (${statusText(control)})`)
    if (!succeeded(first)) return unconfirmed(`the first request did not succeed (${statusText(first)})`)
    if (other?.answer === undefined) return unconfirmed(`no answer came (${statusText(other)})`)
    if (turnedAway(other)) return away(other)
    const pair = [first!, other]
    if (operation.idempotency.scope === 'caller') {
      if (!succeeded(other))
        return violated(`a caller was answered ${other.answer.status} because of a key of another caller`, pair)
      const shared = other.invoke.marker === first!.invoke.marker
      return effectsAre(shared ? 2 : 1, trial, operation, other.invoke.marker, pair) ?? clean(operation)
    }
    return exactlyOnce(trial, operation, pair)
  },
}

export const otherScopeApart: Check = {
  id: 'other-scope',
  member: 'idempotency',
  promise: 'another tenant, or another value of `scope.by`, may use the same key, and has an effect of its own',
  stimuli: ['other-scope'],
  about: ({ idempotency }) =>
    typeof idempotency !== 'string' && idempotency.scope !== 'caller' && idempotency.scope !== 'global',
  judge: (trial, operation) => {
    const [control, first, other] = [one(trial, 'control'), one(trial, 'first'), one(trial, 'other')]
    if (!succeeded(control))
      return unconfirmed(`with a key of its own it did not succeed either (${statusText(control)})`)
    if (!succeeded(first)) return unconfirmed(`the first request did not succeed (${statusText(first)})`)
    if (other?.answer === undefined) return unconfirmed(`no answer came (${statusText(other)})`)
    if (turnedAway(other)) return away(other)
    const pair = [first!, other]
    if (!succeeded(other)) return violated(`it was answered ${other.answer.status} because of a key of another`, pair)
    const shared = other.invoke.marker === first!.invoke.marker
    return effectsAre(shared ? 2 : 1, trial, operation, other.invoke.marker, pair) ?? clean(operation)
  },
}

export const missingKeyRefused: Check = {
  id: 'missing-key',
  member: 'idempotency',
  promise: 'a request without its key is refused with 400 and has no effect, where a key is required',
  stimuli: ['missing-key'],
  about: isKeyed,
  judge: (trial, operation) => {
    const keyless = one(trial, 'keyless')
    if (keyless?.answer === undefined || typeof operation.idempotency === 'string')
      return unconfirmed(`no answer came (${statusText(keyless)})`)
    if (!operation.idempotency.required) {
      return succeeded(keyless)
        ? exactlyOnce(trial, operation)
        : violated(`the key is optional, and a request without it was answered ${keyless.answer.status}`, [keyless])
    }
    const counted = effectsAre(0, trial, operation, keyless.invoke.marker, [keyless])
    if (counted?.kind === 'violated') return counted
    if (turnedAway(keyless)) return away(keyless)
    if (keyless.answer.status !== 400)
      return violated(`a request without its key was answered ${keyless.answer.status}, not 400`, [keyless])
    return counted ?? clean(operation)
  },
}
