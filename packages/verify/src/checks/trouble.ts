/** Idempotency when something breaks between the first request and its copy. */
import { faultMet, one, statusText, succeeded } from '../history/trial-view.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { type Check, unconfirmed, violated } from './check.ts'
import { uncertainKill } from './message-check.ts'
import { effectsAre, exactlyOnce } from './effects.ts'

const isKeyed = (operation: OperationFacts): boolean => typeof operation.idempotency !== 'string'

export const clientAbortKept: Check = {
  id: 'client-abort',
  member: 'idempotency',
  promise: 'a client that loses its connection and asks again has one effect',
  stimuli: ['client-abort'],
  about: isKeyed,
  judge: (trial, operation) => {
    const [gone, retry] = [one(trial, 'gone'), one(trial, 'retry')]
    if (gone?.end === undefined || retry === undefined) return unconfirmed('the run ended before')
    const counted = effectsAre(1, trial, operation, retry.invoke.marker, trial.requests)
    if (counted?.kind === 'violated' && !counted.what.endsWith('lost')) return counted
    if (gone.end.status !== undefined) return unconfirmed('it was answered before the client went')
    if (!succeeded(retry)) return unconfirmed(`asking again did not succeed in time (${statusText(retry)})`)
    return exactlyOnce(trial, operation, [retry])
  },
}

export const transientFailureForgotten: Check = {
  id: 'transient-failure',
  member: 'idempotency',
  promise: 'a request that failed for a moment can be sent again with its key, and has one effect in the end',
  stimuli: ['transient-failure'],
  about: isKeyed,
  judge: (trial, operation) => {
    if (typeof operation.idempotency === 'string') return undefined
    const [first, control, retry] = [one(trial, 'first'), one(trial, 'control'), one(trial, 'retry')]
    if (!faultMet(trial)) return undefined
    if (succeeded(first)) return unconfirmed('the request succeeded without the dependency')
    if (first?.end?.type === 'fail')
      return unconfirmed(`the failure was answered ${statusText(first)}, which may be kept as final`)
    if (!succeeded(control))
      return unconfirmed(`requests with other keys did not succeed afterwards either (${statusText(control)})`)
    const counted = effectsAre(1, trial, operation, first!.invoke.marker, [
      first!,
      ...(retry === undefined ? [] : [retry]),
    ])
    if (counted?.kind === 'violated' && !counted.what.endsWith('lost')) return counted
    if (!succeeded(retry)) {
      const remembered = retry?.answer !== undefined && retry.answer.status === first?.answer?.status
      if (remembered && operation.idempotency.remembers !== 'all') {
        return violated(`the failure (${statusText(first)}) is remembered: it came again when other keys worked`, [
          first!,
          control!,
          retry,
        ])
      }
      return unconfirmed(`asking again did not succeed in time (${statusText(retry)})`)
    }
    return exactlyOnce(trial, operation, [retry!])
  },
}

export const crashKept: Check = {
  id: 'crash',
  member: 'idempotency',
  promise: 'a request that was being handled when the service died can be sent again, and has one effect in the end',
  stimuli: ['crash'],
  about: ({ promised }) => promised.idempotency !== undefined,
  judge: (trial, operation) => {
    const [gone, retry] = [one(trial, 'gone'), one(trial, 'retry')]
    const why = uncertainKill(trial, false)
    if (gone?.end === undefined || retry === undefined) return unconfirmed(why ?? 'the run ended before')
    const counted = effectsAre(1, trial, operation, retry.invoke.marker, trial.requests)
    if (counted?.kind === 'violated' && !counted.what.endsWith('lost')) return counted
    if (why !== undefined) return unconfirmed(why)
    if (gone.end.status !== undefined) return unconfirmed('it was answered before the service died')
    if (!succeeded(retry)) return unconfirmed(`asking again did not succeed in time (${statusText(retry)})`)
    return exactlyOnce(trial, operation, [retry])
  },
}
