/** What becomes of a message whose intent key another one has already. */
import type { Query } from '../database/database.ts'
import { actIntent } from './act-claims.ts'
import type { Entry } from './entry.ts'

export type Taken =
  /** the same intent was done: this message is suppressed */
  | { kind: 'done'; by: { source: string; id: string } }
  /** the same key with another payload was done */
  | { kind: 'reuse'; by: { source: string; id: string } }
  /** somebody is at it: wait, at most so long */
  | { kind: 'busy'; waitMs: number }
  /** gone between two statements, or left by somebody who failed: claim again */
  | { kind: 'free' }

const read = `
select k.operation, k.scope, k.key, k.fingerprint, k.state, k.outcome, k.source, k.message_id,
  (extract(epoch from k.lease_until - clock_timestamp()) * 1000)::float8 as lease_ms
from spandrel.keys k join unnest($1::text[], $2::text[], $3::text[]) as m(operation, scope, key)
  on k.operation = m.operation and k.scope = m.scope and k.key = m.key`

interface Row {
  operation: string
  scope: string
  key: string
  fingerprint: string
  state: 'claimed' | 'done'
  source: string | null
  message_id: string | null
  lease_ms: number | null
}

/** Only *done* suppresses; a claim only makes the second one wait. One answer an entry, in their order. */
export async function readTaken<Tx>(query: Query, entries: readonly Entry<Tx>[]): Promise<Taken[]> {
  const intents = entries.map(actIntent)
  const operations = entries.map(({ prepared }) => prepared?.operation.name ?? '')
  const { rows } = await query<Row>(read, [
    operations,
    intents.map(({ scope }) => scope),
    intents.map(({ key }) => key),
  ])
  const name = (operation: string, scope: string, key: string): string => JSON.stringify([operation, scope, key])
  const byName = new Map(rows.map((row) => [name(row.operation, row.scope, row.key), row]))
  return intents.map((intent, index) => {
    const row = byName.get(name(operations[index] ?? '', intent.scope, intent.key))
    if (row === undefined) return { kind: 'free' }
    const by = { source: row.source ?? '', id: row.message_id ?? '' }
    if (row.state === 'done')
      return row.fingerprint === intent.fingerprint ? { kind: 'done', by } : { kind: 'reuse', by }
    return (row.lease_ms ?? 0) > 0 ? { kind: 'busy', waitMs: row.lease_ms ?? 0 } : { kind: 'free' }
  })
}
