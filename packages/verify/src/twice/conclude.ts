/** The end of the report: what a client that sends its request again will get. */
import type { ReadTrial } from './read-trial.ts'
import { article, type Thing } from './thing.ts'

export interface Read {
  readonly method: string
  readonly thing: Thing
  readonly keyHeader: string
  readonly withoutKey: readonly ReadTrial[]
  readonly withKey: readonly ReadTrial[]
}

export interface Conclusion {
  readonly conclusion: readonly string[]
  readonly verdict: 'unsafe' | 'safe' | 'unclear' | 'failed'
}

export function conclude(read: Read): Conclusion {
  const { withoutKey, withKey, keyHeader, thing } = read
  const without = outcome(withoutKey)
  const withIt = outcome(withKey)
  if (without === 'failed' && withIt === 'failed') {
    return {
      verdict: 'failed',
      conclusion: ['No request succeeded, so there is nothing to compare. Send one that works when it is sent once.'],
    }
  }
  const sentences = [
    {
      doubled: `A retry here creates a second ${thing.one}.`,
      raced: `Two copies at once create two ${thing.many}; one after the other they do not.`,
      once: `Without a key, no answer told of a second ${thing.one}.`,
      unclear: 'Without a key, the answers do not tell.',
      failed: `Without the ${keyHeader} header, requests ${allRefused(withoutKey) ? 'are refused' : 'do not succeed'}.`,
    }[without],
    // The same sentence twice is hard to read as a comparison.
    withIt === without && (without === 'doubled' || without === 'raced')
      ? `With ${article(keyHeader)} header: the same.`
      : {
          doubled: `With ${article(keyHeader)} header, a retry creates a second ${thing.one} too.`,
          raced: `With ${article(keyHeader)} header, a later retry is recognised, but two copies at once create two ${thing.many}.`,
          once: `With ${article(keyHeader)} header, no answer told of a second ${thing.one}.`,
          unclear: `With ${article(keyHeader)} header, the answers do not tell.`,
          failed: `With ${article(keyHeader)} header, requests fail.`,
        }[withIt],
  ]
  const changed = withKey.find(({ trial }) => trial.name === 'changed-body')
  if (changed?.reading === 'doubled' && withIt !== 'doubled') {
    sentences.push(
      'The same key with another body is run as a new request: a client that uses a key again by mistake is not told.',
    )
  }
  if (changed?.reading === 'ignored')
    sentences.push('The same key with another body gets the first answer, without a word about the change.')
  const unsure = [...withoutKey, ...withKey].find(({ trial }) => trial.name === 'at-once' && !trial.overlapped)
  if (unsure !== undefined)
    sentences.push('The two at once did not overlap: the first was answered before the second was sent.')
  sentences.push('Judged from answers alone; to be sure, declare it and run `spandrel verify`.')
  const bad =
    withIt === 'doubled' ||
    withIt === 'raced' ||
    (withIt === 'failed' && (without === 'doubled' || without === 'raced'))
  return {
    conclusion: sentences,
    verdict: bad ? 'unsafe' : withIt === 'once' || (withIt === 'failed' && without === 'once') ? 'safe' : 'unclear',
  }
}

function allRefused(trials: readonly ReadTrial[]): boolean {
  return trials.flatMap(({ statuses }) => statuses).every((status) => status.startsWith('4'))
}

/** `raced`: only the two at once made two. */
function outcome(trials: readonly ReadTrial[]): 'doubled' | 'raced' | 'once' | 'unclear' | 'failed' {
  const of = (name: string): ReadTrial | undefined => trials.find(({ trial }) => trial.name === name)
  const [sequence, atOnce] = [of('sequence'), of('at-once')]
  if (sequence === undefined || sequence.reading === 'failed') return 'failed'
  if (sequence.reading === 'doubled') return 'doubled'
  if (atOnce?.reading === 'doubled') return 'raced'
  if (sequence.reading === 'once' && atOnce?.reading === 'once' && atOnce.trial.overlapped) return 'once'
  return 'unclear'
}
