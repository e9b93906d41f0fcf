/**
 * Key records of acts: claimed in a short transaction, leased and renewed while the act runs outside any transaction,
 * and done with the transaction of `handle`. `epoch` is raised by every claim, and fences the one before.
 *
 *   (none) ─claim─▶ claimed, lease running ─handle commits─▶ done
 *                      │  ▲ failed: lease ended    │
 *                      └──┘ crashed: lease runs out ┘   either way the next one claims it again, and acts again
 */
import { createHash } from 'node:crypto'
import type { Query } from '../database/database.ts'
import type { ActClaim, Entry } from './entry.ts'

const claim = `
insert into spandrel.keys as k (operation, scope, key, fingerprint, state, source, message_id, subscription, partitionkey,
  owner, epoch, lease_until, correlationid)
select m.operation, m.scope, m.key, m.fingerprint, 'claimed', m.source, m.message_id, $1, m.partitionkey,
  $2, 1, clock_timestamp() + $3 * interval '1 millisecond', m.correlationid
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
  as m(operation, scope, key, fingerprint, source, message_id, partitionkey, correlationid)
order by 1, 2, 3
on conflict (operation, scope, key) do update set fingerprint = excluded.fingerprint, state = 'claimed', outcome = null,
  source = excluded.source, message_id = excluded.message_id, subscription = excluded.subscription,
  partitionkey = excluded.partitionkey, owner = excluded.owner, epoch = k.epoch + 1, lease_until = excluded.lease_until,
  correlationid = excluded.correlationid, claimed_at = clock_timestamp(), done_at = null, expires_at = null
where (k.state = 'claimed' and (k.lease_until < clock_timestamp()
    or (k.owner = excluded.owner and k.source = excluded.source and k.message_id = excluded.message_id)))
  or (k.state = 'done' and k.expires_at < clock_timestamp() and not exists (
    select 1 from spandrel.held h where h.subscription = k.subscription and h.partitionkey = k.partitionkey))
returning operation, scope, key, epoch`

const renew = `
with mine as (
  select k.operation, k.scope, k.key from spandrel.keys k
  join unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) as m(operation, scope, key, epoch)
    on k.operation = m.operation and k.scope = m.scope and k.key = m.key and k.epoch = m.epoch
  where k.owner = $1 and k.state = 'claimed'
  order by 1, 2, 3 for no key update of k
)
update spandrel.keys k set lease_until = clock_timestamp() + $2 * interval '1 millisecond'
from mine where k.operation = mine.operation and k.scope = mine.scope and k.key = mine.key
returning k.operation, k.scope, k.key`

const finish = `
with mine as (
  select k.operation, k.scope, k.key, m.retention_ms from spandrel.keys k
  join unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::float8[]) as m(operation, scope, key, epoch, retention_ms)
    on k.operation = m.operation and k.scope = m.scope and k.key = m.key and k.epoch = m.epoch
  where k.owner = $1 and k.state = 'claimed'
  order by 1, 2, 3 for no key update of k
)
update spandrel.keys k set state = 'done', outcome = 'handled', owner = null, lease_until = null, done_at = clock_timestamp(),
  expires_at = clock_timestamp() + mine.retention_ms * interval '1 millisecond'
from mine where k.operation = mine.operation and k.scope = mine.scope and k.key = mine.key
returning k.operation, k.scope, k.key`

interface KeyRow {
  operation: string
  scope: string
  key: string
}

/** What names an act's key record: the contract's key, else the delivery's identity. */
export function actIntent<Tx>(entry: Entry<Tx>): { scope: string; key: string; fingerprint: string } {
  const { attributes } = entry.envelope
  return entry.prepared?.intent ?? { scope: attributes.source, key: attributes.id, fingerprint: '' }
}

/** What an act passes on as its key. Derived, so that it is the same after every crash. */
export function actKey(service: string, operation: string, intent: { scope: string; key: string }): string {
  return createHash('sha256')
    .update(JSON.stringify([service, operation, intent.scope, intent.key]))
    .digest('base64url')
}

const name = (row: KeyRow): string => JSON.stringify([row.operation, row.scope, row.key])

/** Claims of those entries that could be had; each entry's is the element of the same index. */
export async function claimActs<Tx>(
  query: Query,
  mine: { subscription: string; owner: string; leaseMs: number },
  entries: readonly Entry<Tx>[],
): Promise<(ActClaim | undefined)[]> {
  if (entries.length === 0) return []
  const intents = entries.map(actIntent)
  const operations = entries.map((entry) => entry.prepared?.operation.name ?? '')
  const { rows } = await query<KeyRow & { epoch: string }>(claim, [
    mine.subscription,
    mine.owner,
    mine.leaseMs,
    operations,
    intents.map(({ scope }) => scope),
    intents.map(({ key }) => key),
    intents.map(({ fingerprint }) => fingerprint),
    entries.map(({ envelope }) => envelope.attributes.source),
    entries.map(({ envelope }) => envelope.attributes.id),
    entries.map(({ envelope }) => envelope.attributes.partitionkey ?? null),
    entries.map(({ envelope }) => envelope.attributes.correlationid ?? null),
  ])
  const epochs = new Map(rows.map((row) => [name(row), row.epoch]))
  return intents.map(({ scope, key }, index) => {
    const epoch = epochs.get(name({ operation: operations[index] ?? '', scope, key }))
    return epoch === undefined ? undefined : { scope, key, epoch }
  })
}

/** Renews the leases of acts that are running; returns those entries whose claim is lost. */
export async function renewActs<Tx>(
  query: Query,
  owner: string,
  leaseMs: number,
  entries: readonly Entry<Tx>[],
): Promise<Entry<Tx>[]> {
  const { rows } = await query<KeyRow>(renew, [owner, leaseMs, ...claimColumns(entries)])
  return missing(rows, entries)
}

/** Marks the keys done; returns those entries whose claim was lost, whose result must not be committed. */
export async function finishActs<Tx>(
  query: Query,
  owner: string,
  rememberMs: number,
  entries: readonly Entry<Tx>[],
): Promise<Entry<Tx>[]> {
  const retention = entries.map(({ prepared }) => prepared?.intent?.retentionMs ?? rememberMs)
  const { rows } = await query<KeyRow>(finish, [owner, ...claimColumns(entries), retention])
  return missing(rows, entries)
}

function claimColumns<Tx>(entries: readonly Entry<Tx>[]): unknown[] {
  return [
    entries.map(({ prepared }) => prepared?.operation.name),
    entries.map(({ claim: held }) => held?.scope),
    entries.map(({ claim: held }) => held?.key),
    entries.map(({ claim: held }) => held?.epoch),
  ]
}

function missing<Tx>(rows: readonly KeyRow[], entries: readonly Entry<Tx>[]): Entry<Tx>[] {
  const found = new Set(rows.map(name))
  return entries.filter(({ prepared, claim: held }) => {
    return (
      held === undefined ||
      !found.has(name({ operation: prepared?.operation.name ?? '', scope: held.scope, key: held.key }))
    )
  })
}
