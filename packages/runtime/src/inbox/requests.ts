/** What becomes of a request on a held message, or of a dead letter whose retention is over. */
import { attemptsOf, type Entry, type Verdict } from './entry.ts'
import type { HeldFound } from './held-scan.ts'

/** More replays than this of one message are a loop. */
const maxReplays = 100

export function judgeRequest<Tx>(entry: Entry<Tx>, found: HeldFound): Verdict {
  const { request, dead } = found.row
  const attempts = attemptsOf(entry)
  if (request === undefined) {
    return {
      kind: 'discard',
      attempts,
      reason: 'retention',
      error: 'its retention is over',
      actor: 'retention',
      expired: true,
    }
  }
  const refuse = (error: string): Verdict => ({ kind: 'refuse', actor: request.by, what: request.what, error })
  if (request.what === 'discard') {
    return {
      kind: 'discard',
      attempts,
      reason: 'discarded',
      error: request.why ?? 'no reason given',
      actor: request.by,
      expired: false,
    }
  }
  const operation = entry.prepared?.operation
  const deadLetter = operation?.guarantees.deadLetter
  if (typeof deadLetter === 'object' && deadLetter.replay === 'never')
    return refuse('its contract says that it is never replayed')
  if (found.row.replays >= maxReplays) return refuse(`it was replayed ${found.row.replays} times`)
  // FM15: another message of the same intent may have been handled, and forgotten, while this one lay here.
  const windowMs = entry.prepared?.intent?.retentionMs
  if (windowMs !== undefined && found.row.ageMs > windowMs && !request.pastWindow) {
    return refuse(
      'its intent key is remembered for less long than it has been held: ask again with the past-window flag',
    )
  }
  if (!found.lowest && !(dead && operation?.onPoison === 'skip'))
    return refuse('an earlier message of its key is held; replay that one, or the key')
  return { kind: 'replay', actor: request.by, why: request.why }
}
