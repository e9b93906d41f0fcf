/** Held messages as an operator sees them: chosen by filters, read, and asked about. Their owner carries requests out. */
import type { Query } from '@spandrel/runtime/operate'

export type HeldState = 'retrying' | 'waiting' | 'dead'
export const heldStates: readonly HeldState[] = ['retrying', 'waiting', 'dead']

export interface HeldFilter {
  ids?: readonly string[] | undefined
  messageId?: string | undefined
  states?: readonly HeldState[] | undefined
  operation?: string | undefined
  key?: string | undefined
  reason?: string | undefined
}

export interface HeldMessage {
  id: string
  side: 'consumer' | 'producer'
  state: HeldState
  subscription: string | null
  channel: string
  operation: string | null
  partitionkey: string | null
  source: string
  message_id: string
  type: string
  attempts: number
  replays: number
  held_at: Date
  due_at: Date | null
  dead_at: Date | null
  expires_at: Date | null
  reason: string | null
  error: string | null
  contract_version: string | null
  correlationid: string | null
  request: 'replay' | 'discard' | null
  requested_by: string | null
  requested_why: string | null
  requested_at: Date | null
}

export interface HeldDetails extends HeldMessage {
  attributes: string
  data: string
}

const columns = `id::text, side, state, subscription, channel, operation, partitionkey, source, message_id, type, attempts,
  replays, held_at, due_at, dead_at, expires_at, reason, error, contract_version, correlationid, request, requested_by,
  requested_why, requested_at`

/** Every filter is a parameter; an absent one matches everything. */
const matches = `($1::bigint[] is null or id = any ($1)) and ($2::text is null or message_id = $2)
  and ($3::text[] is null or state = any ($3)) and ($4::text is null or operation = $4)
  and ($5::text is null or partitionkey = $5) and ($6::text is null or reason = $6)`

function values(filter: HeldFilter): unknown[] {
  const { ids, messageId, states, operation, key, reason } = filter
  return [ids, messageId, states, operation, key, reason].map((value) => value ?? null)
}

/** One page, in the order of arrival; the next one begins after the last id. */
export async function listHeld(
  query: Query,
  filter: HeldFilter,
  page: { after: string; limit: number },
): Promise<HeldMessage[]> {
  const { rows } = await query<HeldMessage>(
    `select ${columns} from spandrel.held_messages where ${matches} and id > $7 order by held_messages.id limit $8`,
    [...values(filter), page.after, page.limit],
  )
  return rows
}

export async function countHeld(query: Query, filter: HeldFilter): Promise<Record<HeldState, number>> {
  const { rows } = await query<{ state: HeldState; number: number }>(
    `select state, count(*)::int as number from spandrel.held_messages where ${matches} group by state`,
    values(filter),
  )
  const counts: Record<HeldState, number> = { dead: 0, retrying: 0, waiting: 0 }
  for (const { state, number } of rows) counts[state] = number
  return counts
}

export async function showHeld(query: Query, id: string): Promise<HeldDetails | undefined> {
  const { rows } = await query<HeldDetails>(
    `select ${columns}, attributes, data from spandrel.held_messages where id = $1`,
    [id],
  )
  return rows[0]
}

/** What one message waits behind: the first of its key, and that key. */
export async function headOf(
  query: Query,
  filter: HeldFilter,
): Promise<{ id: string; head: string; key: string; headState: HeldState } | undefined> {
  const { rows } = await query<{ id: string; head: string; key: string; headState: HeldState }>(
    `select w.id::text, first.id::text as head, w.partitionkey as key, first.state as "headState"
     from (select * from spandrel.held_messages where ${matches} and state = 'waiting' order by id limit 1) w
     cross join lateral (
       select h.id, h.state from spandrel.held_messages h
       where h.side = w.side and h.subscription is not distinct from w.subscription and h.channel = w.channel
         and h.partition is not distinct from w.partition and h.partitionkey = w.partitionkey
       order by h.id limit 1
     ) first`,
    values(filter),
  )
  return rows[0]
}

/** Messages asked about in one statement: short transactions, however many there are. */
const batch = 500

/**
 * Asks the owners of all matching messages to replay or discard them. `progress` is told the running total. Stops when
 * `limit` messages were asked about. Rows that were asked about before are asked again, with the new reason.
 */
export async function requestHeld(
  query: Query,
  filter: HeldFilter,
  request: {
    what: 'replay' | 'discard'
    by: string
    why: string | undefined
    limit?: number | undefined
    pastWindow?: boolean
  },
  progress: (asked: number) => void = () => {},
): Promise<string[]> {
  const asked: string[] = []
  let after = '0'
  for (;;) {
    const limit = Math.min(batch, (request.limit ?? Infinity) - asked.length)
    if (limit <= 0) return asked
    const page = await listHeld(query, filter, { after, limit })
    const last = page.at(-1)
    if (last === undefined) return asked
    after = last.id
    // What is asked and that it was asked are one statement.
    const { rows } = await query<{ id: string }>(
      `with asked as (
         update spandrel.held set request = $2, requested_by = $3, requested_why = $4, requested_at = clock_timestamp(),
           request_past_window = $5
         where id = any ($1::bigint[])
         returning id, correlationid, operation, subscription, source, message_id
       ), noted as (
         insert into spandrel.journal (kind, correlationid, operation, subscription, source, message_id, actor, why)
         select $2 || '-requested', correlationid, operation, subscription, source, message_id, $3, $4 from asked order by id
       )
       select id::text from asked order by asked.id`,
      [page.map((row) => row.id), request.what, request.by, request.why ?? null, request.pastWindow === true],
    )
    asked.push(...rows.map((row) => row.id))
    progress(asked.length)
  }
}
