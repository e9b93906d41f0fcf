/**
 * What is known of the messages of a job, asked and claimed in one statement at the beginning of its transaction.
 *
 * The statement runs behind the fence, as one of its own: its snapshot is younger than the lock, so it sees whatever
 * an earlier owner committed. The delivery records (`inbox`) and the intent records (`keys`) are written here, as done:
 * they become true with the commit, together with the effects, or never.
 */
import { faults } from '#faults'
import type { Query } from '../database/database.ts'
import type { Entry } from './entry.ts'
import type { Subscription } from './operation.ts'

type Standing =
  /** its delivery record was written just now */
  | 'new'
  /** handled, suppressed or discarded before: a duplicate */
  | 'known'
  /** stands among the held already: a duplicate */
  | 'held'
  /** an earlier message of its key is held: it waits behind it */
  | 'behind'

export interface Claimed {
  standing: Standing
  /** it has an intent key, and another message has it already */
  keyTaken: boolean
}

/** What a claim needs to know of the subscription. */
export interface ClaimScope {
  subscription: string
  channel: string
  /** operations whose dead letters hold nothing back */
  skip: readonly string[]
  /** the whole partition is one key */
  serial: boolean
  rememberMs: number
}

export function claimScope<Tx>(
  { name, channel, serial, operations }: Subscription<Tx>,
  rememberMs: number,
): ClaimScope {
  const skip = operations.filter(({ onPoison }) => onPoison === 'skip').map((operation) => operation.name)
  return { subscription: name, channel, skip, serial, rememberMs }
}

const messages = `
  select * from unnest($5::int[], $6::text[], $7::text[], $8::text[], $9::bool[])
    with ordinality as m(partition, partitionkey, source, message_id, was_held, n)`

/** `behind` is what keeps a key in order; the mutant `order-off` takes it out. */
const looked = (ordered: boolean): string => `
  select m.n,
    exists (select 1 from spandrel.held h
      where coalesce(h.subscription, '') = $1 and h.channel = $2 and h.source = m.source and h.message_id = m.message_id) as is_held,
    ${ordered} and (exists (select 1 from spandrel.held h
      where h.subscription = $1 and h.partition = m.partition and h.partitionkey = m.partitionkey
        and not (h.dead_at is not null and h.operation = any($3::text[])))
    or ($4::bool and exists (select 1 from spandrel.held h
      where h.subscription = $1 and h.partition = m.partition
        and not (h.dead_at is not null and h.operation = any($3::text[]))))) as behind
  from m`

const wasHandled = `exists (select 1 from spandrel.inbox i
    where i.subscription = $1 and i.source = m.source and i.message_id = m.message_id)`

const claim = (ordered: boolean): string => `
with m as materialized (
  select * from unnest($5::int[], $6::text[], $7::text[], $8::text[], $9::bool[], $10::text[], $11::text[], $12::bigint[], $13::bigint[],
      $14::text[], $15::text[], $16::text[], $17::text[], $18::float8[])
    with ordinality as m(partition, partitionkey, source, message_id, was_held, operation, type, "offset", epoch,
      correlationid, scope, key, fingerprint, retention_ms, n)
),
looked as materialized (${looked(ordered)}),
claimed as (
  insert into spandrel.inbox (subscription, source, message_id, operation, type, outcome, partition, "offset", epoch,
    partitionkey, correlationid, expires_at)
  select $1, m.source, m.message_id, m.operation, m.type, 'handled', m.partition, m."offset", m.epoch,
    m.partitionkey, m.correlationid, clock_timestamp() + greatest($19::float8, m.retention_ms) * interval '1 millisecond'
  from m join looked using (n)
  where m.was_held or not (looked.is_held or looked.behind)
  order by m.source, m.message_id
  on conflict do nothing
  returning source, message_id
),
keyed as (
  insert into spandrel.keys as k (operation, scope, key, fingerprint, state, outcome, source, message_id, subscription,
    partitionkey, correlationid, done_at, expires_at)
  select m.operation, m.scope, m.key, m.fingerprint, 'done', 'handled', m.source, m.message_id, $1,
    m.partitionkey, m.correlationid, clock_timestamp(), clock_timestamp() + m.retention_ms * interval '1 millisecond'
  from m join claimed using (source, message_id)
  where m.key is not null
  order by m.operation, m.scope, m.key
  on conflict (operation, scope, key) do update set fingerprint = excluded.fingerprint, state = 'done', outcome = 'handled',
    source = excluded.source, message_id = excluded.message_id, subscription = excluded.subscription,
    partitionkey = excluded.partitionkey, correlationid = excluded.correlationid, owner = null, lease_until = null,
    claimed_at = clock_timestamp(), done_at = excluded.done_at, expires_at = excluded.expires_at
  -- only what is over: a record past its retention (kept while its ordering key has held messages), or the claim of an
  -- act that nobody is acting any more and that never was done
  where (k.state = 'done' and k.expires_at < clock_timestamp() and not exists (
      select 1 from spandrel.held h where h.subscription = k.subscription and h.partitionkey = k.partitionkey))
    or (k.state = 'claimed' and k.lease_until < clock_timestamp())
  returning operation, scope, key
)
select m.n::int as n, looked.is_held, looked.behind, claimed.source is not null as claimed,
  case when looked.behind and not m.was_held then ${wasHandled} else false end as known,
  m.key is not null and keyed.key is null as key_taken
from m join looked using (n)
left join claimed using (source, message_id)
left join keyed on keyed.operation = m.operation and keyed.scope = m.scope and keyed.key = m.key
order by m.n`

const look = (ordered: boolean): string => `
with m as materialized (${messages}),
looked as (${looked(ordered)})
select m.n::int as n, looked.is_held, looked.behind, true as claimed, ${wasHandled} as known, false as key_taken
from m join looked using (n) order by m.n`

const statements = { claim: claim(true), look: look(true) }
const unordered = { claim: claim(false), look: look(false) }
const sql = (): typeof statements => (faults.mutant('order-off') ? unordered : statements)

interface Row {
  n: number
  is_held: boolean
  behind: boolean
  claimed: boolean
  known: boolean
  key_taken: boolean
}

/** Writes delivery and intent records of all entries that are new; the entries have distinct identities and keys. */
export async function claimAll<Tx>(
  query: Query,
  scope: ClaimScope,
  entries: readonly Entry<Tx>[],
  intents: boolean,
): Promise<Claimed[]> {
  const intent = intents ? (entry: Entry<Tx>) => entry.prepared?.intent : (): undefined => undefined
  const { rows } = await query<Row>(sql().claim, [
    ...shared(scope, entries),
    entries.map((entry) => entry.prepared?.operation.name ?? null),
    entries.map((entry) => entry.envelope.attributes.type),
    entries.map((entry) => entry.offset),
    entries.map((entry) => entry.epoch),
    entries.map((entry) => entry.envelope.attributes.correlationid ?? null),
    entries.map((entry) => intent(entry)?.scope ?? null),
    entries.map((entry) => intent(entry)?.key ?? null),
    entries.map((entry) => intent(entry)?.fingerprint ?? null),
    entries.map((entry) => entry.prepared?.intent?.retentionMs ?? 0),
    scope.rememberMs,
  ])
  return rows.map((row, index) => standing(row, entries[index]))
}

/** Only looks: for entries that will not be handled in this transaction. */
export async function lookAll<Tx>(query: Query, scope: ClaimScope, entries: readonly Entry<Tx>[]): Promise<Claimed[]> {
  const { rows } = await query<Row>(sql().look, shared(scope, entries))
  return rows.map((row, index) => standing(row, entries[index]))
}

function shared<Tx>(scope: ClaimScope, entries: readonly Entry<Tx>[]): unknown[] {
  return [
    scope.subscription,
    scope.channel,
    scope.skip,
    scope.serial,
    entries.map((entry) => entry.partition),
    entries.map((entry) => entry.envelope.attributes.partitionkey ?? null),
    entries.map((entry) => entry.envelope.attributes.source),
    entries.map((entry) => entry.envelope.attributes.id),
    entries.map((entry) => entry.held !== undefined),
  ]
}

function standing<Tx>(row: Row, entry: Entry<Tx> | undefined): Claimed {
  const live = entry?.held === undefined
  if (row.known) return { standing: 'known', keyTaken: false }
  if (live && row.is_held) return { standing: 'held', keyTaken: false }
  if (live && row.behind) return { standing: 'behind', keyTaken: false }
  if (row.claimed) return { standing: 'new', keyTaken: row.key_taken }
  return { standing: 'known', keyTaken: false }
}
