/** Counting effects: the strong oracle, and what answers can say where there is none. */
import type { OperationFacts } from '../plan/operation-facts.ts'
import { type RequestView, statusText, succeeded, type TrialView } from '../history/trial-view.ts'
import { compareAnswers } from '../twice/compare-answers.ts'
import { clean, type Judgement, unconfirmed, violated } from './check.ts'

/** Undefined: as many effects as `expected`. */
export function effectsAre(
  expected: number,
  trial: TrialView,
  operation: OperationFacts,
  marker: string,
  requests: readonly RequestView[],
): Judgement | undefined {
  if (operation.probe.oracle !== 'strong') return undefined
  const reading = trial.effects.get(marker)
  if (reading?.count === undefined)
    return unconfirmed(`effects could not be counted: ${reading?.why ?? 'the run ended before'}`)
  if (reading.count > expected) return violated(`${effects(reading.count)} where there should be ${expected}`, requests)
  if (!reading.settled) return unconfirmed('effects were counted before all of them had their time')
  if (reading.count < expected)
    return violated(`${effects(reading.count)} where there should be ${expected}: it is lost`, requests)
  return undefined
}

/** One effect, however many of these requests were sent. At least one of them must have succeeded. */
export function exactlyOnce(
  trial: TrialView,
  operation: OperationFacts,
  requests: readonly RequestView[] = trial.requests,
): Judgement {
  const [first] = requests
  if (first === undefined) return unconfirmed('nothing was sent')
  const good = requests.filter(succeeded)
  const counted = effectsAre(1, trial, operation, first.invoke.marker, requests)
  // Too many effects are a counterexample whatever was answered; none may be right where nothing succeeded.
  if (counted?.kind === 'violated' && (good.length > 0 || !counted.what.endsWith('lost'))) return counted
  if (good.length === 0) return unconfirmed(`no request succeeded (${requests.map(statusText).join(', ')})`)
  if (counted !== undefined) return counted
  return twoAnswers(good) ?? clean(operation)
}

function twoAnswers(good: readonly RequestView[]): Judgement | undefined {
  const [first, ...rest] = good
  for (const other of rest) {
    const comparison = compareAnswers(first!.answer!, other.answer!)
    if (comparison.kind === 'two') {
      return violated(`two answers name two things: ${comparison.ids.join(' and ')}`, [first!, other])
    }
  }
  return undefined
}

function effects(count: number): string {
  return count === 0 ? 'no effect' : count === 1 ? 'one effect' : `${count} effects`
}
