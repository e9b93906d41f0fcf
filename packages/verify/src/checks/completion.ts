/** Accepted work comes to an end: one outcome, in time, correlated, and never before it is true. */
import type { Channels, MessageTrialView } from '../history/message-view.ts'
import { names } from '../history/seen-messages.ts'
import { one, statusText, succeeded } from '../history/trial-view.ts'
import type { CompletionFacts } from '../plan/message-facts.ts'
import { type Judgement, seen, unconfirmed } from './check.ts'
import { broken, type CompletionCheck } from './message-check.ts'

interface Outcome {
  readonly outcome: string
  readonly at: number
  readonly correlation?: string | undefined
  readonly effects?: number
}

function outcomesOf(trial: MessageTrialView, facts: CompletionFacts, channels: Channels): Outcome[] {
  const terminal = [...facts.success, ...facts.failure]
  if (facts.by === 'status') {
    const told: Outcome[] = []
    for (const { outcome, at, effects } of trial.outcomes) {
      if (outcome === undefined || !terminal.includes(outcome) || told.at(-1)?.outcome === outcome) continue
      told.push({ outcome, at, ...(effects !== undefined && { effects }) })
    }
    return told
  }
  const marker = one(trial, 'first')?.invoke.marker ?? ''
  const found = new Map<string, Outcome>()
  for (const { channel, attributes, data, at } of channels.seen) {
    const outcome = attributes['type'] ?? ''
    if (facts.channels[outcome] !== channel) continue
    if (!names(data, marker) && attributes['correlationid'] !== marker) continue
    const identity = `${attributes['source']} ${attributes['id']}`
    if (!found.has(identity)) found.set(identity, { outcome, at, correlation: attributes['correlationid'] })
  }
  return [...found.values()]
}

function begun(trial: MessageTrialView): { id: string; sentAt: number; marker: string } | Judgement {
  const first = one(trial, 'first')
  if (!succeeded(first) || first?.end?.sentAt === undefined)
    return unconfirmed(`the request was not accepted (${statusText(first)})`)
  return { id: first.invoke.id, sentAt: first.end.sentAt, marker: first.invoke.marker }
}

const completes: CompletionCheck = {
  id: 'completes',
  member: 'completion',
  promise: 'accepted work has an outcome within `within`, and it can be known whose it is',
  stimuli: ['completion'],
  about: () => true,
  judge(trial, facts, channels) {
    const request = begun(trial)
    if ('kind' in request) return request
    const [first] = outcomesOf(trial, facts, channels)
    const { withinMs = Infinity } = facts
    if (first === undefined) {
      const last = trial.outcomes.at(-1)
      const waited = (last?.at ?? request.sentAt) - request.sentAt
      if (last?.why !== undefined) return unconfirmed(last.why)
      return waited >= withinMs
        ? broken(`no outcome after ${Math.round(waited)} ms; ${withinMs} ms are promised`, [request.id])
        : unconfirmed(
            `no outcome in the ${Math.round(waited / 1000)} s it was waited for: a longer profile waits longer`,
          )
    }
    const took = first.at - request.sentAt
    // Outcomes are looked for every few milliseconds; what is promised in seconds is not judged by those.
    const late = channels.lags
      .filter(({ at, ms }) => at >= request.sentAt && at - ms <= first.at)
      .reduce((sum, { ms }) => sum + ms, 0)
    if (took - 2 * late > withinMs * 1.1 + 200)
      return broken(`an outcome after ${Math.round(took)} ms; ${withinMs} ms are promised`, [request.id])
    if (facts.by === 'event' && facts.correlation !== undefined && first.correlation !== request.marker)
      return broken(`the outcome has the correlation id ${first.correlation ?? 'of nobody'}, not the request's`, [
        request.id,
      ])
    return seen
  },
}

const completesOnce: CompletionCheck = {
  id: 'completes-once',
  member: 'completion',
  promise: 'it has one outcome, and that one stays',
  stimuli: ['completion'],
  about: () => true,
  judge(trial, facts, channels) {
    const request = begun(trial)
    if ('kind' in request) return request
    const outcomes = outcomesOf(trial, facts, channels)
    if (outcomes.length > 1)
      return broken(`${outcomes.length} outcomes: ${outcomes.map(({ outcome }) => outcome).join(', ')}`, [request.id])
    if (facts.by === 'event' && channels.collectedAt === undefined)
      return unconfirmed('the run ended before all messages had come')
    return outcomes.length === 1 ? seen : unconfirmed('there was no outcome')
  },
}

const effectBeforeSuccess: CompletionCheck = {
  id: 'effect-before-success',
  member: 'completion',
  promise: 'when it is said to be done, its effect can be seen',
  stimuli: ['completion'],
  about: () => true,
  judge(trial, facts, channels) {
    const request = begun(trial)
    if ('kind' in request) return request
    const [first] = outcomesOf(trial, facts, channels)
    if (first === undefined) return unconfirmed('there was no outcome')
    if (!facts.success.includes(first.outcome)) return undefined
    const look = trial.outcomes.find(({ outcome }) => outcome === first.outcome)
    if (look?.effects === undefined) return unconfirmed(look?.why ?? 'the effect could not be counted then')
    return look.effects > 0 ? seen : broken(`${first.outcome}, and there was no effect yet`, [request.id])
  },
}

const expectedOutcome: CompletionCheck = {
  id: 'expected-outcome',
  member: 'completion',
  promise: 'work that must end in an outcome ends in that one',
  stimuli: ['completion'],
  about: ({ inputs }) => Object.keys(inputs).length > 0,
  judge(trial, facts, channels) {
    const expected = trial.record.facts?.['expected']
    if (typeof expected !== 'string') return undefined
    const request = begun(trial)
    if ('kind' in request) return request
    const [first] = outcomesOf(trial, facts, channels)
    if (first === undefined) return unconfirmed('there was no outcome')
    return first.outcome === expected
      ? seen
      : broken(`it ended as ${first.outcome}, and must end as ${expected}`, [request.id])
  },
}

export const completionChecks: readonly CompletionCheck[] = [
  completes,
  completesOnce,
  effectBeforeSuccess,
  expectedOutcome,
]
