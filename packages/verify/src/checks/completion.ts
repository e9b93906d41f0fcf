/** Accepted work comes to an end: one outcome, in time, correlated, and never before it is true. */
import type { Expression } from '@spandrel/contract'
import { type Channels, type MessageTrialView, sent } from '../history/message-view.ts'
import { outcomeOfCall } from '../history/outcome-of-call.ts'
import { names } from '../history/seen-messages.ts'
import { at } from '../request/place.ts'
import { one, statusText, succeeded } from '../history/trial-view.ts'
import type { CompletionFacts } from '../plan/completion-facts.ts'
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
  if (facts.by === 'callback') return calledOutcomes(trial, facts)
  const { marker = '' } = request(trial) ?? {}
  const found = new Map<string, Outcome>()
  for (const { channel, attributes, data, at } of channels.seen) {
    const outcome = attributes['type'] ?? ''
    if (facts.channels[outcome] !== channel) continue
    if (!names(data, marker) && attributes['correlationid'] !== marker) continue
    const identity = `${attributes['source']} ${attributes['id']}`
    const correlation = correlationIn(facts.correlated?.reply, attributes, data)
    if (!found.has(identity)) found.set(identity, { outcome, at, correlation })
  }
  return [...found.values()]
}

/** One that got no answer may come again; and one that comes with the same id is the same. */
function calledOutcomes(trial: MessageTrialView, facts: CompletionFacts): Outcome[] {
  const told: (Outcome & { id?: string | undefined; answered: boolean })[] = []
  for (const call of trial.called) {
    const outcome = outcomeOfCall(facts, call)
    if (outcome === undefined) continue
    const { headers, answered, at } = call
    const id =
      headers['webhook-id'] ??
      (headers['ce-id'] === undefined ? undefined : `${headers['ce-source']} ${headers['ce-id']}`)
    const known = told.find((one) => one.outcome === outcome && (!one.answered || (id !== undefined && one.id === id)))
    if (known === undefined) told.push({ outcome, at, id, answered })
    else known.answered ||= answered
  }
  return told
}

function correlationIn(
  place: Expression | undefined,
  attributes: Readonly<Record<string, string | undefined>>,
  data: string,
): string | undefined {
  if (place?.source === 'message.payload') {
    try {
      const value = at(JSON.parse(data), place.pointer)
      return typeof value === 'string' ? value : JSON.stringify(value)
    } catch {
      return undefined
    }
  }
  // A header of the message is an attribute of its envelope.
  return attributes[place?.source === 'message.header' ? (place.pointer.at(-1) ?? '') : 'correlationid']
}

interface Begun {
  readonly id: string
  readonly sentAt: number
  readonly marker: string
  /** what its outcome has to name */
  readonly correlation: string | undefined
}

/** What began the work, a request or a message, whether it was taken or not. */
function request(trial: MessageTrialView, facts?: CompletionFacts): Begun | undefined {
  const [message] = sent(trial, 'first')
  if (message !== undefined) {
    const { id, at: sentAt, marker, attributes, data } = message
    return { id, sentAt, marker, correlation: correlationIn(facts?.correlated?.request, attributes, data) }
  }
  const first = one(trial, 'first')
  if (first === undefined) return undefined
  const { id, marker } = first.invoke
  return { id, sentAt: first.end?.sentAt ?? first.invoke.at, marker, correlation: marker }
}

function begun(trial: MessageTrialView, facts: CompletionFacts): Begun | Judgement {
  const first = one(trial, 'first')
  const found = request(trial, facts)
  if (found === undefined) return unconfirmed('nothing was sent')
  return first !== undefined && (!succeeded(first) || first.end?.sentAt === undefined)
    ? unconfirmed(`the request was not accepted (${statusText(first)})`)
    : found
}

/** Why it cannot be known whose outcome it is; undefined: it can. */
function uncorrelated(
  trial: MessageTrialView,
  facts: CompletionFacts,
  { marker, correlation }: Begun,
  outcome: Outcome,
): string | undefined {
  if (facts.by === 'callback') {
    // Its URL says whose it is; what it says itself must not say otherwise.
    const header = facts.correlation !== undefined && 'name' in facts.correlation ? facts.correlation.name : ''
    const marks = new RegExp(`${marker.replace(/m\d+x$/, '')}m\\d+x`, 'g')
    for (const { body, headers } of trial.called) {
      const named = headers[header.toLowerCase()]
      if (named !== undefined && named !== marker) return `the callback has ${header}: ${named}, not the request's`
      const others = [...body.matchAll(marks)].map(([name]) => name)
      if (others.length > 0 && !others.includes(marker)) return `the callback is about ${others[0]}, another request's`
    }
    return undefined
  }
  const needed = facts.by === 'reply' || (facts.by === 'event' && facts.correlation !== undefined)
  if (!needed || outcome.correlation === correlation) return undefined
  return `the ${facts.by === 'reply' ? 'reply' : 'outcome'} has the correlation id ${outcome.correlation ?? 'of nobody'}, not the request's`
}

const completes: CompletionCheck = {
  id: 'completes',
  member: 'completion',
  promise: 'accepted work has an outcome within `within`, and it can be known whose it is',
  stimuli: ['completion'],
  about: () => true,
  judge(trial, facts, channels) {
    const request = begun(trial, facts)
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
    const limitMs = withinMs * 1.1 + 200
    if (took > limitMs && took - 2 * late <= limitMs)
      return unconfirmed(`this machine was late itself, by ${Math.round(late)} ms`)
    if (took > limitMs)
      return broken(`an outcome after ${Math.round(took)} ms; ${withinMs} ms are promised`, [request.id])
    const other = uncorrelated(trial, facts, request, first)
    return other === undefined ? seen : broken(other, [request.id])
  },
}

const completesOnce: CompletionCheck = {
  id: 'completes-once',
  member: 'completion',
  promise: 'it has one outcome, and that one stays',
  stimuli: ['completion'],
  about: () => true,
  judge(trial, facts, channels) {
    const request = begun(trial, facts)
    if ('kind' in request) return request
    const outcomes = outcomesOf(trial, facts, channels)
    if (outcomes.length > 1)
      return broken(`${outcomes.length} outcomes: ${outcomes.map(({ outcome }) => outcome).join(', ')}`, [request.id])
    if ((facts.by === 'event' || facts.by === 'reply') && channels.collectedAt === undefined)
      return unconfirmed('the run ended before all messages had come')
    const [only] = outcomes
    if (only === undefined) return unconfirmed('there was no outcome')
    if (trial.outcomes.some(({ takenBack }) => takenBack === true))
      return broken(`${only.outcome}, and a moment later no outcome any more`, [request.id])
    // Told once, and then it could not be asked for.
    const why = facts.by === 'status' ? trial.outcomes.at(-1)?.why : undefined
    return why !== undefined && trial.outcomes.at(-1)?.outcome === undefined ? unconfirmed(why) : seen
  },
}

const effectBeforeSuccess: CompletionCheck = {
  id: 'effect-before-success',
  member: 'completion',
  promise: 'when it is said to be done, its effect can be seen',
  stimuli: ['completion'],
  about: () => true,
  judge(trial, facts, channels) {
    const request = begun(trial, facts)
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
    const request = begun(trial, facts)
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
