/** The process died while it tried a message with care: that was an attempt. */
import { attemptsOf, type Entry } from './entry.ts'
import { lastVerdict } from './failure.ts'
import type { Subscription } from './operation.ts'

/** Gives the entry the verdict on the attempt its process died of. */
export function buryCrashed<Tx>(entry: Entry<Tx>, { types, ignored }: Subscription<Tx>): void {
  const { type } = entry.envelope.attributes
  // Nothing here looks into a message that is not for this service: the process died of something else.
  if (ignored.has(type)) return
  const operation = types.get(type)?.operation
  const attempts = attemptsOf(entry) + 1
  const error = 'the process died while this message was being tried alone'
  const retry = operation?.guarantees.retry
  if (operation !== undefined && retry !== undefined && retry !== 'none' && attempts < retry.attempts) {
    // No jitter: a message that kills processes gets the whole delay.
    const delayMs = Math.min(retry.delayMs * 2 ** (attempts - 1), retry.maxDelayMs)
    entry.verdict = { kind: 'retry', attempts, delayMs, reason: 'crashed', error }
  } else if (operation !== undefined) entry.verdict = lastVerdict(operation, attempts, 'crashed', error)
  else entry.verdict = { kind: 'dead', attempts, reason: 'crashed', error }
}
