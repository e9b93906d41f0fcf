/**
 * Finds what there is to do among the held messages of the partitions one owner has.
 *
 *   lowest of its key ─┬─ dead ▶ nothing, unless its retention is over or somebody asks
 *                      ├─ due later ▶ nothing yet
 *                      └─ else due now: it and those behind it, up to the next that is none of this
 *
 * The lowest rows are found by walking the index from key to key (a recursive query that takes one row a step): its
 * cost follows the number of keys that are held, not the number of messages that wait behind them. Messages without a
 * key hold nobody back and wait for nobody.
 */
import type { Query } from '../database/database.ts'
import type { Envelope, MessageAttributes } from '../message/envelope.ts'
import type { HeldRow } from './entry.ts'

export interface HeldFound {
  readonly row: HeldRow
  readonly partition: number
  readonly envelope: Envelope
  /** why it was found */
  readonly what: 'due' | 'request' | 'expired'
  /** it is the first of its key that is not merely skipped */
  readonly lowest: boolean
}

export interface HeldScan {
  readonly found: readonly HeldFound[]
  /** until the next delayed one is due; undefined: none is delayed */
  readonly nextMs: number | undefined
}

export interface ScanScope {
  subscription: string
  partitions: readonly number[]
  /** operations whose dead letters hold nothing back */
  skip: readonly string[]
  /** the whole partition is one key */
  serial: boolean
  /** rows brought at once */
  limit: number
  /** rows of one key brought at once */
  run: number
}

const columns = `h.id, h.partition, h.operation, h.attempts, h.dead_at is not null as dead, h.reason, h.replays,
  (extract(epoch from clock_timestamp() - h.held_at) * 1000)::float8 as age_ms,
  h.request, h.requested_by, h.requested_why, h.request_past_window, h.attributes, h.data,
  coalesce(h.expires_at <= clock_timestamp(), false) as expired`

/** A serial partition has one key for all: the walk takes its lowest row and stops. */
const walk = (serial: boolean): string =>
  serial
    ? `walk(partition, key, id) as (
  select p, null::text, x.id from unnest($2::int[]) as p cross join lateral (
    select h.id from spandrel.held h where h.subscription = $1 and h.partition = p
      and not (h.dead_at is not null and h.operation = any($3::text[]))
    order by h.id limit 1) x
)`
    : `walk(partition, key, id) as (
  (select p, x.key, x.id from unnest($2::int[]) as p cross join lateral (
    select h.partitionkey as key, h.id from spandrel.held h
    where h.subscription = $1 and h.partition = p and h.partitionkey is not null
      and not (h.dead_at is not null and h.operation = any($3::text[]))
    order by h.partitionkey, h.id limit 1) x)
  union all
  select w.partition, x.key, x.id from walk w cross join lateral (
    select h.partitionkey as key, h.id from spandrel.held h
    where h.subscription = $1 and h.partition = w.partition and h.partitionkey > w.key
      and not (h.dead_at is not null and h.operation = any($3::text[]))
    order by h.partitionkey, h.id limit 1) x
)`

const lowest = (serial: boolean): string => `
with recursive ${walk(serial)}
select h.id, h.partition, h.partitionkey as key, h.dead_at is not null as dead,
  case when h.due_at > clock_timestamp() then (extract(epoch from h.due_at - clock_timestamp()) * 1000)::float8 else 0 end as due_ms
from walk join spandrel.held h on h.id = walk.id
order by h.id`

/** Each due key's messages from its lowest on. */
const runs = (serial: boolean): string => `
select x.*, m.id = x.id as lowest from unnest($2::bigint[], $3::int[], $4::text[]) as m(id, partition, key)
cross join lateral (
  select ${columns}, coalesce(h.due_at > clock_timestamp(), false) as later from spandrel.held h
  where h.subscription = $1 and h.partition = m.partition and h.id >= m.id ${serial ? '' : 'and h.partitionkey = m.key'}
    and not (h.dead_at is not null and h.operation = any($7::text[]))
  order by ${serial ? '' : 'h.partitionkey,'} h.id limit $6) x
order by x.id limit $5`

const unkeyed = `
select ${columns}, false as later, true as lowest from spandrel.held h
where h.subscription = $1 and h.partition = any($2::int[]) and h.partitionkey is null and h.dead_at is null
  and (h.due_at is null or h.due_at <= clock_timestamp())
order by h.id limit $3`

const nextUnkeyed = `
select (extract(epoch from min(h.due_at) - clock_timestamp()) * 1000)::float8 as ms from spandrel.held h
where h.subscription = $1 and h.partition = any($2::int[]) and h.partitionkey is null and h.dead_at is null
  and h.due_at > clock_timestamp()`

const asked = `
select ${columns}, false as later, false as lowest from spandrel.held h
where h.subscription = $1 and h.partition = any($2::int[])
  and (h.request is not null or (h.expires_at is not null and h.expires_at <= clock_timestamp()))
order by h.id limit $3`

interface FoundRow {
  id: string
  partition: number
  operation: string | null
  attempts: number
  dead: boolean
  reason: string | null
  replays: number
  age_ms: number
  request: 'replay' | 'discard' | null
  requested_by: string | null
  requested_why: string | null
  request_past_window: boolean
  attributes: string
  data: string
  expired: boolean
  later: boolean
  lowest: boolean
}

interface LowestRow {
  id: string
  partition: number
  key: string | null
  dead: boolean
  due_ms: number
}

const sql = {
  keyed: { lowest: lowest(false), runs: runs(false) },
  serial: { lowest: lowest(true), runs: runs(true) },
}

/** `busy` says whether a key is in somebody's hands already: those are left out. */
export async function scanHeld(query: Query, scope: ScanScope): Promise<HeldScan> {
  const statements = scope.serial ? sql.serial : sql.keyed
  const { rows: heads } = await query<LowestRow>(statements.lowest, [scope.subscription, scope.partitions, scope.skip])
  const { rows: requests } = await query<FoundRow>(asked, [scope.subscription, scope.partitions, scope.limit])
  const alive = heads.filter(({ dead }) => !dead)
  const due = alive.filter(({ due_ms }) => due_ms <= 0).slice(0, scope.limit)
  const waits = alive.filter(({ due_ms }) => due_ms > 0).map(({ due_ms }) => due_ms)
  const lowestIds = new Set(heads.map(({ id }) => id))
  const found: HeldFound[] = requests.map((row) => {
    const { attributes } = decoded(row)
    return foundOf(
      row,
      row.request === null ? 'expired' : 'request',
      lowestIds.has(row.id) || attributes.partitionkey === undefined,
    )
  })
  const asking = new Set(requests.map(({ id }) => id))
  if (due.length > 0) {
    const { rows } = await query<FoundRow>(statements.runs, [
      scope.subscription,
      due.map(({ id }) => id),
      due.map(({ partition }) => partition),
      due.map(({ key }) => key),
      scope.limit,
      scope.run,
      scope.skip,
    ])
    // A run ends before the first that must not run now.
    const ended = new Set<string>()
    for (const row of rows) {
      const lane = scope.serial
        ? String(row.partition)
        : `${row.partition}/${decoded(row).attributes.partitionkey ?? ''}`
      if (ended.has(lane)) continue
      if (row.dead || row.later || row.request !== null || asking.has(row.id)) ended.add(lane)
      else found.push(foundOf(row, 'due', row.lowest))
    }
  }
  if (!scope.serial) {
    const { rows } = await query<FoundRow>(unkeyed, [scope.subscription, scope.partitions, scope.limit])
    for (const row of rows) if (!asking.has(row.id)) found.push(foundOf(row, 'due', true))
    const next = (await query<{ ms: number | null }>(nextUnkeyed, [scope.subscription, scope.partitions])).rows[0]?.ms
    if (next !== null && next !== undefined) waits.push(next)
  }
  return { found, nextMs: waits.length === 0 ? undefined : Math.max(0, Math.min(...waits)) }
}

function decoded(row: FoundRow): Envelope {
  return { attributes: JSON.parse(row.attributes) as MessageAttributes, data: row.data }
}

function foundOf(row: FoundRow, what: HeldFound['what'], isLowest: boolean): HeldFound {
  return {
    what,
    lowest: isLowest,
    partition: row.partition,
    envelope: decoded(row),
    row: {
      id: row.id,
      attempts: row.attempts,
      operation: row.operation ?? undefined,
      dead: row.dead,
      ageMs: row.age_ms,
      reason: row.reason ?? undefined,
      expired: row.expired,
      replays: row.replays,
      request:
        row.request === null
          ? undefined
          : {
              what: row.request,
              by: row.requested_by ?? 'unknown',
              why: row.requested_why ?? undefined,
              pastWindow: row.request_past_window,
            },
    },
  }
}
