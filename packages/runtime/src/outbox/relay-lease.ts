/**
 * One relay of a database works at a time: a row with owner, epoch and deadline, by the database's clock. It saves
 * work; order does not rest on it (a frozen holder that thaws can only send again what it had read).
 *
 *   waiting ──take: nobody's, or past its deadline──▶ holding ──another one took it──▶ waiting
 *
 * It is renewed by the statement that reads (relay-read.ts). A session's advisory lock will not do: a frozen holder
 * keeps it for ever, and behind a transaction pooler two sessions can both hold it.
 */
import type { Query } from '../database/database.ts'

const take = `
insert into spandrel.leases as l (name, owner, epoch, until)
select 'relay', $1, 1, clock_timestamp() + $2::float8 * interval '1 millisecond'
-- Those who wait only look; the row is locked by who may take it.
where not exists (
  select 1 from spandrel.leases where name = 'relay' and owner <> $1 and until >= clock_timestamp())
on conflict (name) do update set owner = excluded.owner, epoch = l.epoch + 1, until = excluded.until
where l.owner is null or l.owner = excluded.owner or l.until < clock_timestamp()
returning epoch`

const release = `update spandrel.leases set owner = null, until = null where name = 'relay' and owner = $1 and epoch = $2::bigint`

/** The epoch of the lease, or undefined where somebody else has it. */
export async function takeLease(query: Query, owner: string, leaseMs: number): Promise<string | undefined> {
  const { rows } = await query<{ epoch: string }>(take, [owner, leaseMs])
  return rows[0]?.epoch
}

/** Lets another one begin at once. */
export async function releaseLease(query: Query, owner: string, epoch: string): Promise<void> {
  await query(release, [owner, epoch])
}
