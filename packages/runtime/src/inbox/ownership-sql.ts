/**
 * Who owns a partition of a subscription: a row in the consumer's own database, whatever a transport assigns.
 *
 * The fence. Every transaction of an owner begins by locking its rows `for key share`, and finding its epoch there.
 * Weighed: `for share`, as one writes it first, also keeps the owner itself from renewing its lease while a handler
 * runs, so that every handler longer than the lease is taken for dead. `for key share` lets renewals and positions
 * (updates of columns that are no key) through, and still keeps out the new owner, which locks the row `for update`
 * before it raises the epoch. Seen in ownership.pg.test.ts: the raise waits for the open transaction, and whoever
 * begins behind it waits for the raise and then finds no row.
 *
 * Rows are locked in order (subscription, partition) by everybody, so that nobody deadlocks here.
 *
 * `backend` is the server process of the owner's latest renewal. It is a hint: where it is gone and a renewal is overdue,
 * the owner most likely is gone, and its partitions are taken without waiting for the lease. The process alone says
 * little: pools give connections up, and behind a pooler they are the pooler's (seen: every connection that PgBouncer
 * closed cost a takeover). Should the hint be wrong, the fence holds.
 */
import type { Query } from '../database/database.ts'

/** `graceMs`: how much of the lease is left when a renewal is overdue. */
const gone = (until: string, backend: string, graceMs: string): string =>
  `(${until} < clock_timestamp() or (${until} < clock_timestamp() + ${graceMs}::float8 * interval '1 millisecond'
    and ${backend} is not null and not exists (select 1 from pg_stat_get_activity(${backend}))))`

/** What is left of a lease when half a renewal more than one has been missed. */
export function graceOf({ leaseMs, renewMs }: { leaseMs: number; renewMs: number }): number {
  return leaseMs - 1.5 * renewMs
}

export const registerPartitions = `
insert into spandrel.partitions (subscription, partition)
select $1, generate_series(0, $2::int - 1) on conflict do nothing`

export const fence = `
select p.partition, set_config('statement_timeout', $5, true)
from spandrel.partitions p join unnest($2::int[], $3::bigint[]) as mine(partition, epoch)
  on p.partition = mine.partition and p.epoch = mine.epoch
where p.subscription = $1 and p.owner = $4
order by p.partition for key share of p`

/** Also forgets replicas that were last seen a minute ago. */
export const renewPresence = `
with gone as (
  delete from spandrel.leases where name like 'consumer/%' and until < clock_timestamp() - interval '1 minute'
)
insert into spandrel.leases as l (name, owner, epoch, until)
select 'consumer/' || $1 || '/' || s, pg_backend_pid()::text, 0, clock_timestamp() + $3 * interval '1 millisecond'
from unnest($2::text[]) as s order by 1
on conflict (name) do update set owner = excluded.owner, until = excluded.until`

export const endPresence = `delete from spandrel.leases where name like 'consumer/' || $1 || '/%'`

export const renewPartitions = `
with mine as (
  select subscription, partition from spandrel.partitions where owner = $1
  order by subscription, partition for no key update
)
update spandrel.partitions p
set until = clock_timestamp() + $2 * interval '1 millisecond', backend = pg_backend_pid()
from mine where p.subscription = mine.subscription and p.partition = mine.partition
returning p.subscription, p.partition, p.epoch, p.stopped`

export interface RenewedRow {
  subscription: string
  partition: number
  epoch: string
  stopped: string | null
}

/** All partitions of some subscriptions, and the replicas that share them. */
export const lookAround = `
select 'partition' as what, p.subscription, p.partition, p.owner, p.epoch, p.stopped,
  (p.owner is null or ${gone('p.until', 'p.backend', '$2')}) as free,
  p.owner is not null as unclean
from spandrel.partitions p where p.subscription = any($1)
union all
select 'replica', substring(l.name from '^consumer/[^/]*/(.*)$'), null, split_part(l.name, '/', 2), null, null, null, null
from spandrel.leases l
where l.name like 'consumer/%' and not ${gone('l.until', 'l.owner::int', '$2')}`

export type AroundRow =
  | {
      what: 'partition'
      subscription: string
      partition: number
      owner: string | null
      epoch: string
      stopped: string | null
      free: boolean
      unclean: boolean
    }
  | { what: 'replica'; subscription: string; owner: string }

/**
 * Locks a free partition. Waits for a transaction its old owner still has open; while it waits the taker asks
 * `blockers` from another connection. The condition is checked again on the row as it is after the wait.
 */
export const lockForTaking = `
select pg_backend_pid() as taker, p.owner
from spandrel.partitions p
where p.subscription = $1 and p.partition = $2 and p.epoch = $3 and p.stopped is null
  and (p.owner is null or ${gone('p.until', 'p.backend', '$4')})
for update`

/** One taker at a time for a partition: takers must not take each other for the old owner. */
export const takersLock = `select pg_try_advisory_xact_lock(hashtextextended('spandrel.take/' || $1 || '/' || $2::int, 0)) as locked`

/**
 * `careful_until`: after an unclean end whatever may have been in flight is done again one by one. That is at most a
 * window from the position on, and not past the head.
 */
export const take = `
update spandrel.partitions set owner = $3, epoch = epoch + 1, backend = pg_backend_pid(),
  until = clock_timestamp() + $4 * interval '1 millisecond',
  careful_until = case when $5 then greatest(careful_until, least(position + $6::bigint, $7::bigint)) else careful_until end,
  incarnation = coalesce(incarnation, $8)
where subscription = $1 and partition = $2
returning epoch, position::float8, careful_until::float8, marked_offset::float8, marked_alone, incarnation`

export interface TakenRow {
  epoch: string
  position: number
  careful_until: number
  marked_offset: number | null
  marked_alone: boolean
  incarnation: string
}

/** Ends what a waiting taker waits for, once the old owner's lease is over; before that it waits. */
export const terminateBlockers = `
select pg_terminate_backend(pid) from spandrel.partitions p cross join unnest(pg_blocking_pids($3::int)) as pid
where p.subscription = $1 and p.partition = $2 and p.until < clock_timestamp() and pid > 0`

/** Who releases lives: whatever was being tried has not ended its process. */
export const release = `
with mine as (
  select subscription, partition from spandrel.partitions
  where subscription = $1 and partition = any($2) and owner = $3
  order by partition for no key update
)
update spandrel.partitions p set owner = null, backend = null, until = null, marked_alone = false
from mine where p.subscription = mine.subscription and p.partition = mine.partition
returning p.partition`

export const stopPartition = `
update spandrel.partitions set stopped = $3 where subscription = $1 and partition = $2 and owner = $4 and stopped is null`

/** Marks the message that is about to be tried alone; no row: the partition is no longer ours. */
export const mark = `
update spandrel.partitions set marked_offset = $5, marked_alone = $6
where subscription = $1 and partition = $2 and epoch = $3 and owner = $4 returning 1`

/** The last word of a job: the positions, and no more marks. `$4`: partitions that were marked. */
export const advance = `
with mine as materialized (
  select p.partition, m.position from spandrel.partitions p
  join unnest($2::int[], $3::bigint[]) as m(partition, position) on p.partition = m.partition
  where p.subscription = $1 order by p.partition for no key update of p
)
update spandrel.partitions p set position = greatest(p.position, mine.position),
  marked_offset = case when p.partition = any($4::int[]) then null else p.marked_offset end,
  marked_alone = p.marked_alone and p.partition <> all($4::int[])
from mine where p.subscription = $1 and p.partition = mine.partition`

/** A partition as it was when it was taken. */
export interface Fenced {
  readonly partition: number
  readonly epoch: string
}

/** Takes the fence of each of these partitions, to be held to the end of the transaction; returns those it cannot have. */
export async function fenced(
  query: Query,
  mine: {
    subscription: string
    owner: string
    partitions: readonly Fenced[]
    statementMs: number
  },
): Promise<readonly Fenced[]> {
  const { rows } = await query<{ partition: number }>(fence, [
    mine.subscription,
    mine.partitions.map(({ partition }) => partition),
    mine.partitions.map(({ epoch }) => epoch),
    mine.owner,
    String(Math.ceil(mine.statementMs)),
  ])
  const held = new Set(rows.map(({ partition }) => partition))
  return mine.partitions.filter(({ partition }) => !held.has(partition))
}
