/** Rows of a journey in words. */
import { textOf } from './detail-text.ts'
import type { JourneyNode, Tone } from './journey-node.ts'
import type { HeldRow, InboxRow, JournalRow } from './read-rows.ts'

/** What has become of a delivery. */
export function outcomeOf(inbox: InboxRow | undefined, held: HeldRow | undefined): { word: string; tone: Tone } {
  if (held !== undefined) {
    if (held.state === 'dead') return { word: `dead letter: ${held.error ?? held.reason ?? 'unknown'}`, tone: 'bad' }
    if (held.state === 'waiting') return { word: 'waits behind an earlier message of its key', tone: 'warn' }
    return { word: held.attempts === 0 ? 'held' : `to be tried again after ${held.attempts} failed`, tone: 'warn' }
  }
  switch (inbox?.outcome) {
    case 'handled':
      return { word: '', tone: 'good' }
    case 'suppressed':
      return { word: 'suppressed: another message with the same intent was handled', tone: 'quiet' }
    case 'discarded':
      return { word: 'discarded', tone: 'bad' }
    case 'edited':
      return { word: 'replaced by an edited one', tone: 'quiet' }
    case 'ignored':
      return { word: 'not for any of its operations', tone: 'quiet' }
    default:
      return { word: '', tone: 'plain' }
  }
}

/** One journal entry as a sentence. */
export function step(row: JournalRow): JourneyNode {
  const { sentence, tone } = sentenceOf(row)
  return { kind: 'step', text: sentence, tone, at: row.at, children: [], outcome: row.kind }
}

function sentenceOf(row: JournalRow): { sentence: string; tone: Tone } {
  const number = textOf(row.detail['attempt'] ?? row.detail['attempts'] ?? '')
  const why = row.why === null ? '' : `: ${row.why}`
  const by = row.actor === null ? '' : ` by ${row.actor}`
  switch (row.kind) {
    case 'note':
      return { sentence: `→ ${row.why ?? ''}`, tone: 'good' }
    case 'attempt-failed':
      return { sentence: `attempt ${number} failed${why}`, tone: 'warn' }
    case 'attempt-died':
      return { sentence: `attempt ${number} died with its process`, tone: 'warn' }
    case 'duplicate':
      return { sentence: 'delivered again → duplicate suppressed', tone: 'quiet' }
    case 'suppressed':
      return {
        sentence: `suppressed: ${textOf(row.detail['byMessageId'] ?? 'another message')} did the same`,
        tone: 'quiet',
      }
    case 'held': {
      const delay = row.detail['delayMs']
      return {
        sentence:
          typeof delay === 'number'
            ? `tried again after ${delay < 1000 ? `${delay} ms` : `${(delay / 1000).toFixed(1)} s`}`
            : 'held',
        tone: 'quiet',
      }
    }
    case 'waiting':
      return { sentence: 'waited behind an earlier message of its key', tone: 'quiet' }
    case 'dead':
      return { sentence: `became a dead letter${why}`, tone: 'bad' }
    case 'replay-requested':
      return { sentence: `replay asked for${by}${why}`, tone: 'plain' }
    case 'discard-requested':
      return { sentence: `discard asked for${by}${why}`, tone: 'plain' }
    case 'request-refused':
      return { sentence: `what was asked for was refused${why}`, tone: 'warn' }
    case 'replay':
      return { sentence: `replayed${by}${why}`, tone: 'plain' }
    case 'discard':
      return { sentence: `discarded${by}${why}`, tone: 'bad' }
    case 'expired':
      return { sentence: 'expired as a dead letter', tone: 'bad' }
    case 'replayed-answer':
      return { sentence: 'the same request again → answered with the first answer', tone: 'quiet' }
    case 'overlap':
      return { sentence: 'the same request while the first was running → refused', tone: 'quiet' }
    case 'key-reuse':
      return { sentence: 'the same key with another payload → refused', tone: 'bad' }
    case 'takeover':
      return { sentence: 'its owner was gone → taken over', tone: 'warn' }
    case 'outage':
      return { sentence: `paused: what it depends on is down${why}`, tone: 'warn' }
    case 'outage-ended':
      return { sentence: 'went on after the outage', tone: 'quiet' }
    case 'pushed':
      return { sentence: 'posted and accepted', tone: 'quiet' }
    default:
      return { sentence: `${row.kind}${by}${why}`, tone: 'plain' }
  }
}
