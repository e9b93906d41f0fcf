/** What two answers say about the second request. */
import type { Answer, Exchange } from '../wire/outgoing.ts'
import { compareAnswers } from './compare-answers.ts'
import { capital, type Thing } from './thing.ts'
import type { Trial } from './trial.ts'

/**
 * `doubled`: the answers name two things. `once`: the second got the first's answer, or was turned away. `ignored`:
 * another body got the first's answer. `unclear`: the answers do not tell. `failed`: there was no first success.
 */
export type Reading = 'doubled' | 'once' | 'ignored' | 'unclear' | 'failed'

export interface ReadTrial {
  readonly trial: Trial
  /** `201`, or `-` where no answer came */
  readonly statuses: readonly [string, string]
  readonly reading: Reading
  /** one sentence about what came back */
  readonly words: string
  /** the names the two answers gave */
  readonly ids?: readonly [string, string]
}

export function readTrial(trial: Trial, thing: Thing): ReadTrial {
  const statuses = trial.exchanges.map(statusOf) as [string, string]
  return { trial, statuses, ...judge(trial, thing) }
}

type Judged = Pick<ReadTrial, 'reading' | 'words' | 'ids'>

function judge(trial: Trial, thing: Thing): Judged {
  const answers = trial.exchanges.map(answerOf)
  const good = answers.filter((answer) => answer !== undefined && answer.status < 300) as Answer[]
  const lost = trial.exchanges.find(({ outcome }) => outcome.kind !== 'answer')
  if (lost !== undefined && lost.outcome.kind !== 'answer') {
    return good.length === 0
      ? { reading: 'failed', words: `No answer came: ${lost.outcome.why}.` }
      : { reading: 'unclear', words: `One got no answer: ${lost.outcome.why}. What it did is not known.` }
  }
  const [first, second] = answers as [Answer, Answer]
  if (good.length === 0) return noneSucceeded(first, second, thing)
  if (good.length === 1) return oneSucceeded(trial, first, second)
  const comparison = compareAnswers(first, second)
  if (comparison.kind === 'two') {
    const { ids } = comparison
    const because = trial.name === 'changed-body' ? ' The key did not stop it.' : ''
    return { reading: 'doubled', ids, words: `Two ${thing.many} came back: ${ids[0]} and ${ids[1]}.${because}` }
  }
  if (trial.name === 'changed-body') return changedBody(trial, comparison.kind, thing)
  switch (comparison.kind) {
    case 'differs':
      return {
        reading: 'unclear',
        words: `The answers differ: ${comparison.where} was ${comparison.values[0]}, then ${comparison.values[1]}. Whether it ran twice, the answers do not tell.`,
      }
    case 'times':
      return {
        reading: 'unclear',
        words: `The answers are the same but for ${comparison.where}, a time. The second was not a replay; whether it did something again, the answers do not tell.`,
      }
    case 'exchange':
      return {
        reading: 'unclear',
        words: `The answers are the same but for ${comparison.where}, an id of the request itself: ${comparison.values[0]}, then ${comparison.values[1]}. The second was not a replay; whether it did something again, the answers do not tell.`,
      }
    case 'blank':
      return { reading: 'unclear', words: 'Both succeeded and said nothing: the answers do not tell.' }
    case 'same': {
      const name = comparison.id === undefined ? '' : ` (${comparison.id})`
      return { reading: 'once', words: `The same answer came back twice${name}.` }
    }
  }
}

/** Only a 4xx says that nothing was done. */
function noneSucceeded(first: Answer, second: Answer, thing: Thing): Judged {
  const statuses = both(first, second)
  const some = (from: number): boolean => [first, second].some(({ status }) => status >= from && status < from + 100)
  if (some(500))
    return { reading: 'failed', words: `None succeeded (${statuses}). What they did before they failed is not known.` }
  const apart = sentApart(first, second)
  if (apart !== undefined) {
    const { locations, ids } = apart
    const words = `The first was sent to ${locations[0]}, the second to ${locations[1]} (${statuses})`
    // As a form does it: what was made is where one is sent.
    return ids === undefined
      ? {
          reading: 'unclear',
          words: `${words}. Redirects are not followed; whether it ran twice, the answers do not tell.`,
        }
      : { reading: 'doubled', ids, words: `${words}: two ${thing.many}.` }
  }
  if (some(300)) {
    const to = first.headers['location'] ?? second.headers['location']
    const where = to === undefined ? '' : ` to ${to}`
    // After a form these two lead to what was made; the others lead to where it is to be sent.
    if (to !== undefined && [first, second].every(({ status }) => status === 302 || status === 303)) {
      const words = `Both were sent${where} (${statuses}). Redirects are not followed; whether it ran twice, the answers do not tell.`
      return { reading: 'unclear', words }
    }
    return {
      reading: 'failed',
      words: `Sent elsewhere (${statuses})${where}. Redirects are not followed, -L is ignored: give the address itself.`,
    }
  }
  return { reading: 'failed', words: `Both were refused (${statuses}): nothing was done.` }
}

/** Two redirects to different places; `ids`: what differs is the last part of their paths alone. */
function sentApart(
  first: Answer,
  second: Answer,
): { locations: readonly [string, string]; ids?: readonly [string, string] } | undefined {
  const [one, other] = [first, second].map(({ status, headers }) =>
    status >= 300 && status < 400 ? headers['location'] : undefined,
  )
  if (one === undefined || other === undefined) return undefined
  const [here, there] = [partsOf(one), partsOf(other)]
  if (here.join('/') === there.join('/')) return undefined
  const alike = here.length > 1 && here.slice(0, -1).join('/') === there.slice(0, -1).join('/')
  return { locations: [one, other], ...(alike && { ids: [here.at(-1)!, there.at(-1)!] }) }
}

/** Without what is asked there: a `state` or a `token` is another one each time. */
function partsOf(location: string): string[] {
  return location
    .replace(/[?#].*$/, '')
    .replace(/\/$/, '')
    .split('/')
}

function oneSucceeded(trial: Trial, first: Answer, second: Answer): Judged {
  const refused = first.status < 300 ? second : first
  if (refused.status >= 500) {
    return { reading: 'unclear', words: `One failed (${refused.status}). What it did before that is not known.` }
  }
  if (refused.status < 400)
    return { reading: 'unclear', words: `One was sent elsewhere (${refused.status}); redirects are not followed.` }
  if (trial.name === 'changed-body') {
    const plain = refused.status === 422 || refused.status === 409
    return plain
      ? { reading: 'once', words: `The changed one was refused (${refused.status}).` }
      : {
          reading: 'unclear',
          words: `The changed one was refused (${refused.status}); perhaps because ${trial.changed?.where ?? 'it'} was changed to ${trial.changed?.to ?? 'something'}, not because of the key.`,
        }
  }
  if (refused.status === 429) return { reading: 'unclear', words: 'One was refused because there were too many (429).' }
  const when = trial.name === 'at-once' ? 'One was refused while the other ran' : 'The second was refused'
  return { reading: 'once', words: `${when} (${refused.status}).` }
}

function changedBody(trial: Trial, kind: 'differs' | 'times' | 'exchange' | 'blank' | 'same', thing: Thing): Judged {
  const what = trial.changed?.where ?? 'the body'
  if (kind === 'same' || kind === 'times') {
    return {
      reading: 'ignored',
      words: `The first answer came back, as if ${what} had not been changed. ${capital(thing.one)} and client now disagree, and nobody was told.`,
    }
  }
  return { reading: 'unclear', words: 'Both were accepted; whether the second did something, the answers do not tell.' }
}

function both(first: Answer, second: Answer): string {
  return first.status === second.status ? String(first.status) : `${first.status} and ${second.status}`
}

function answerOf({ outcome }: Exchange): Answer | undefined {
  return outcome.kind === 'answer' ? outcome.answer : undefined
}

function statusOf(exchange: Exchange): string {
  return String(answerOf(exchange)?.status ?? '-')
}
