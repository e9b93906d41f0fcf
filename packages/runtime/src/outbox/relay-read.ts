/**
 * Reading the lowest rows of the outbox, and renewing the lease in the same statement. Rows are found by being there:
 * between the low-water mark and them nothing is skipped that is not excluded here.
 *
 * Left out: rows whose key has a held message before them, rows of destinations that are backing off.
 */
import type { Query } from '../database/database.ts'
import { planEachTime } from '../database/prepared-names.ts'
import { parseSnapshot, type Snapshot } from './low-water-mark.ts'

export interface OutboxRow {
  id: bigint
  channel: string
  partitionkey: string | null
  attributes: string
  data: string
  /** false: written by `spandrel.publish`, which cannot validate */
  validated: boolean
}

export interface Exclusions {
  channels: readonly string[]
  /** parallel: channel and key */
  keyChannels: readonly string[]
  keys: readonly string[]
  ids: readonly string[]
}

export interface OutboxRead {
  /** false: the lease is somebody else's, nothing was read */
  mine: boolean
  snapshot: Snapshot
  /** changes whenever a held message of this producer comes or goes */
  held: string
  rows: readonly OutboxRow[]
  /** it stopped at a limit: there may be more */
  filled: boolean
}

const statement = `${planEachTime}
with lease as (
  select 1 from spandrel.leases where name = 'relay' and owner = $1 and epoch = $2::bigint
), renewed as (
  update spandrel.leases set until = clock_timestamp() + $3::float8 * interval '1 millisecond'
  where name = 'relay' and owner = $1 and epoch = $2::bigint
    and until < clock_timestamp() + $3::float8 * 2 / 3 * interval '1 millisecond'
), lowest as (
  select o.id, o.channel, o.partitionkey, o.attributes, o.data, o.validated
  from spandrel.outbox o
  where o.id > $4::bigint
    and o.channel <> all ($5::text[])
    and o.id <> all ($8::bigint[])
    and not exists (
      select 1 from spandrel.held h
      where h.side = 'producer' and h.channel = o.channel and h.partitionkey = o.partitionkey)
    and not exists (
      select 1 from unnest($6::text[], $7::text[]) as later (channel, key)
      where later.channel = o.channel and later.key = o.partitionkey)
  order by o.id
  limit $9
), bounded as (
  -- bytes of the rows before
  select l.*, coalesce(sum(octet_length(l.attributes) + octet_length(l.data))
    over (order by l.id rows between unbounded preceding and 1 preceding), 0) as bytes
  from lowest l
)
select null as id, pg_current_snapshot()::text as channel, null as partitionkey,
  (select count(*) || ':' || coalesce(max(id), 0) from spandrel.held where side = 'producer') as attributes,
  (select count(*) from lowest)::text as data, exists (select 1 from lease) as validated
union all
select id, channel, partitionkey, attributes, data, validated from bounded
where bytes < $10 and exists (select 1 from lease)`

interface Row {
  id: string | null
  channel: string
  partitionkey: string | null
  attributes: string
  data: string
  validated: boolean
}

export interface ReadOptions {
  owner: string
  epoch: string
  leaseMs: number
  mark: bigint
  exclude: Exclusions
  limit: number
  maxBytes: number
}

export async function readOutbox(query: Query, options: ReadOptions): Promise<OutboxRead> {
  const { owner, epoch, leaseMs, mark, exclude, limit, maxBytes } = options
  const { channels, keyChannels, keys, ids } = exclude
  const { rows: found } = await query<Row>(statement, [
    owner,
    epoch,
    leaseMs,
    mark.toString(),
    channels,
    keyChannels,
    keys,
    ids,
    limit,
    maxBytes,
  ])
  let mine = false
  let snapshot: Snapshot = { xmax: 0n, running: new Set() }
  let held = ''
  let lowest = 0
  const rows: OutboxRow[] = []
  for (const row of found) {
    if (row.id === null) {
      mine = row.validated
      snapshot = parseSnapshot(row.channel)
      held = row.attributes
      lowest = Number(row.data)
    } else rows.push({ ...row, id: BigInt(row.id) })
  }
  rows.sort((a, b) => (a.id < b.id ? -1 : 1))
  return { mine, snapshot, held, rows, filled: lowest >= limit || rows.length < lowest }
}
