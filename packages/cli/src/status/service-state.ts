/** What the database of one service says about its messages, in one statement. It only reads. */
import type { Query } from '@spandrel/runtime/operate'

interface HeldGroup {
  side: 'consumer' | 'producer'
  operation: string | null
  channel: string
  state: 'retrying' | 'waiting' | 'dead'
  count: number
  oldestSeconds: number
  /** of the oldest */
  error: string | null
}

interface OpenTransaction {
  pid: number
  application: string
  state: string
  seconds: number
}

interface ReadPosition {
  subscription: string
  partition: number
  position: string
  /** somebody holds it, and its lease runs */
  owned: boolean
  stopped: string | null
}

export interface ServiceState {
  /** number of the newest migration */
  migration: number
  unsent: number
  /** counted to 10,000 only */
  unsentMany: boolean
  oldestUnsentSeconds: number | null
  lastSentSeconds: number | null
  /** null: no relay has ever run here */
  relay: { owner: string | null; working: boolean; seconds: number | null } | null
  held: HeldGroup[]
  positions: ReadPosition[]
  openTransaction: OpenTransaction | null
}

const mostCounted = 10_000

/** Ages are by the database's clock; that of the oldest row is in its `time`, which its sender wrote. */
const statement = `
select json_build_object(
  'now', extract(epoch from clock_timestamp()),
  'migration', (select max(number) from spandrel.migrations),
  'unsent', (select count(*) from (select 1 from spandrel.outbox limit ${mostCounted + 1}) counted),
  'oldest', (select attributes from spandrel.outbox order by id limit 1),
  'lastSentSeconds', (select extract(epoch from clock_timestamp() - sent_at) from spandrel.sent order by id desc limit 1),
  'relay', (select json_build_object('owner', owner, 'working', owner is not null and until >= clock_timestamp(),
      'seconds', extract(epoch from clock_timestamp() - until)) from spandrel.leases where name = 'relay'),
  'held', (select coalesce(json_agg(g), '[]') from (
    select side, operation, channel, state, count(*) as count,
      extract(epoch from clock_timestamp() - min(held_at)) as "oldestSeconds",
      left((array_agg(coalesce(error, reason) order by id))[1], 200) as error
    from spandrel.held_messages group by side, operation, channel, state order by state, operation, channel) g),
  'positions', (select coalesce(json_agg(p), '[]') from (
    select subscription, partition, position::text as position, stopped,
      coalesce(owner is not null and until >= clock_timestamp(), false) as owned
    from spandrel.partitions order by subscription, partition) p),
  'openTransaction', (select json_build_object('pid', pid, 'application', application_name, 'state', state,
      'seconds', extract(epoch from clock_timestamp() - xact_start))
    from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
      and xact_start is not null
    order by xact_start limit 1)
) as state`

interface Read extends Omit<ServiceState, 'unsentMany' | 'oldestUnsentSeconds'> {
  now: number
  oldest: string | null
}

export async function serviceState(query: Query): Promise<ServiceState> {
  const { rows } = await query<{ state: Read }>(statement, [])
  const { now, oldest, unsent, ...rest } = rows[0]!.state
  return {
    ...rest,
    unsent: Math.min(unsent, mostCounted),
    unsentMany: unsent > mostCounted,
    oldestUnsentSeconds: oldest === null ? null : ageOf(oldest, now),
  }
}

function ageOf(attributes: string, now: number): number {
  try {
    const { time } = JSON.parse(attributes) as { time?: string }
    const age = now - Date.parse(time ?? '') / 1000
    return Number.isFinite(age) ? Math.max(0, age) : 0
  } catch {
    return 0
  }
}
