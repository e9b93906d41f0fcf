/** What tests of held messages share: the rows, and a handler that fails as often as it is told to. */
import type { Pool } from 'pg'
import { rows, type TestHandlers } from './consuming.ts'

export interface HeldMessage {
  message_id: string
  state: string
  reason: string | null
  attempts: number
}

export const held = (pool: Pool): Promise<HeldMessage[]> =>
  rows<HeldMessage>(pool, 'select message_id, state, reason, attempts from spandrel.held_messages order by id')

export const journalOf = async (pool: Pool, id: string): Promise<string[]> =>
  (await rows<{ kind: string }>(pool, 'select kind from spandrel.journal where message_id = $1 order by id', [id])).map(
    ({ kind }) => kind,
  )

/** Fails for the ids in `failing`, as often as they are in it. */
export function failing(
  write: TestHandlers[string],
  failures: Map<string, number>,
  error: () => Error,
): TestHandlers[string] {
  return async (received, context) => {
    const left = failures.get(received.id) ?? 0
    if (left > 0) {
      failures.set(received.id, left - 1)
      throw error()
    }
    if (typeof write === 'function') await write(received, context)
  }
}
