/**
 * The mutant `any-record-suppresses`, in the test build only: what a service does that writes its key down first, in a
 * transaction of its own, and takes any record of a key for a done one. An attempt that fails or dies is then lost.
 */
import type { Query } from '../database/database.ts'
import type { Claim } from './key.ts'
import { type KeyRecord, readKey } from './records.ts'

const claim = `insert into spandrel.keys (operation, scope, key, fingerprint, state)
values ($1, $2, $3, $4, 'claimed') on conflict do nothing returning 1 as mine`

/** Claims the key for all to see; the record that suppresses this request where there is one already. */
export async function claimForAllToSee(query: Query, wanted: Claim): Promise<KeyRecord | undefined> {
  const { rows } = await query(claim, [wanted.operation.operation, wanted.scope, wanted.key, wanted.fingerprint])
  if (rows.length > 0) return undefined
  const success = Object.keys(wanted.operation.answers).find((status) => status.startsWith('2')) ?? '200'
  const madeUp = { status: Number(success), headers: { 'content-type': 'application/json' }, body: '{}' }
  return (
    (await readKey(query, wanted)).done ?? {
      fingerprint: wanted.fingerprint,
      answer: madeUp,
      correlationid: undefined,
      attempt: undefined,
    }
  )
}
