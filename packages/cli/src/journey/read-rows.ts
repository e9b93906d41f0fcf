/** What the databases of a system know about one correlation id. */
import type { Query } from '@spandrel/runtime/operate'

export interface JourneyRows {
  /** the service whose database said so */
  service: string
  journal: readonly JournalRow[]
  sent: readonly SentRow[]
  /** not sent yet */
  outbox: readonly OutboxRow[]
  inbox: readonly InboxRow[]
  held: readonly HeldRow[]
  /** partitions that lost their owner while this journey went on */
  takeovers: readonly TakeoverRow[]
}

export interface TakeoverRow {
  at: Date
  subscription: string
  partition: number
  /** the last offset that the owner who died had committed */
  position: number
}

export interface JournalRow {
  at: Date
  kind: string
  operation: string | null
  subscription: string | null
  source: string | null
  message_id: string | null
  causationid: string | null
  actor: string | null
  why: string | null
  detail: Readonly<Record<string, unknown>>
}

interface SentRow {
  channel: string
  source: string
  message_id: string
  type: string
  attributes: Readonly<Record<string, unknown>>
  sent_at: Date
}

interface OutboxRow {
  channel: string
  attributes: Readonly<Record<string, unknown>>
}

export interface InboxRow {
  subscription: string
  source: string
  message_id: string
  operation: string | null
  type: string
  outcome: string
  by_source: string | null
  by_message_id: string | null
  partition: number
  offset: string
  at: Date
}

export interface HeldRow {
  id: string
  side: 'consumer' | 'producer'
  subscription: string | null
  channel: string
  operation: string | null
  source: string
  message_id: string
  type: string
  attributes: Readonly<Record<string, unknown>>
  state: 'retrying' | 'waiting' | 'dead'
  attempts: number
  due_at: Date | null
  dead_at: Date | null
  reason: string | null
  error: string | null
  held_at: Date
}

/** Rows of one table that are read at most; a journey of more is told to be longer. */
export const mostRows = 5000

/** Everything one database has of a correlation id. */
export async function readRows(service: string, query: Query, correlation: string): Promise<JourneyRows> {
  const values = [correlation, mostRows]
  const [journal, sent, outbox, inbox, held, takeovers] = await Promise.all([
    query<Omit<JournalRow, 'detail'> & { detail: string | null }>(
      `select at, kind, operation, subscription, source, message_id, causationid, actor, why, detail
       from spandrel.journal where correlationid = $1 order by id limit $2`,
      values,
    ),
    query<Omit<SentRow, 'attributes'> & { attributes: string }>(
      `select channel, source, message_id, type, attributes, sent_at
       from spandrel.sent where correlationid = $1 order by id limit $2`,
      values,
    ),
    // The outbox has no index for this: it is short, or else a list of what waits is what is wanted anyway.
    query<{ channel: string; attributes: string }>(
      `select channel, attributes from spandrel.outbox
       where attributes like $3 and attributes::jsonb ->> 'correlationid' = $1 order by id limit $2`,
      [...values, `%${likeText(JSON.stringify(correlation).slice(1, -1))}%`],
    ),
    query<InboxRow>(
      `select subscription, source, message_id, operation, type, outcome, by_source, by_message_id,
         partition, "offset"::text, at
       from spandrel.inbox where correlationid = $1 order by at limit $2`,
      values,
    ),
    query<Omit<HeldRow, 'attributes'> & { attributes: string }>(
      `select id::text, side, subscription, channel, operation, source, message_id, type, attributes, state,
         attempts, due_at, dead_at, reason, error, held_at
       from spandrel.held_messages where correlationid = $1 order by id limit $2`,
      values,
    ),
    // They belong to no journey: found by when, and which partitions, this one went on.
    query<{ at: Date; subscription: string; detail: string | null }>(
      `with span as (
         select array_agg(distinct subscription) as subscriptions, min(at) as first, max(at) as last
         from spandrel.inbox where correlationid = $1
       )
       select j.at, j.subscription, j.detail from spandrel.journal j, span
       where j.at between span.first - interval '10 minutes' and span.last + interval '10 minutes'
         and j.kind = 'takeover' and j.subscription = any (span.subscriptions) order by j.id limit $2`,
      values,
    ),
  ])
  return {
    service,
    journal: journal.rows.map((row) => ({ ...row, detail: parsed(row.detail) })),
    sent: sent.rows.map((row) => ({ ...row, attributes: parsed(row.attributes) })),
    outbox: outbox.rows.map((row) => ({ ...row, attributes: parsed(row.attributes) })),
    inbox: inbox.rows,
    held: held.rows.map((row) => ({ ...row, attributes: parsed(row.attributes) })),
    takeovers: takeovers.rows.map(({ at, subscription, detail }) => {
      const { partition, position } = parsed(detail)
      return { at, subscription, partition: Number(partition), position: Number(position) }
    }),
  }
}

export interface FoundJourney {
  correlation: string
  at: Date
  /** what the id turned out to be: `correlation id`, `message id`, `key`, or a property (`orderId`) */
  as: string
  /** of a key: whose it is */
  operation?: string
}

/**
 * The journeys an id belongs to, newest first. It may be a correlation id, a message id, a key, an ordering key, or a
 * value in data that was kept; the later ones look through whole tables, so they are tried only when the earlier ones
 * found nothing, and not for longer than some seconds.
 */
export async function findJourneys(query: Query, id: string): Promise<FoundJourney[]> {
  const exact = await query<{ at: Date | null }>(
    `select min(at) as at from (
       (select at from spandrel.journal where correlationid = $1 order by id limit 1) union all
       (select sent_at from spandrel.sent where correlationid = $1 order by id limit 1) union all
       (select at from spandrel.inbox where correlationid = $1 order by at limit 1) union all
       (select held_at from spandrel.held where correlationid = $1 order by id limit 1) union all
       (select clock_timestamp() from spandrel.outbox where attributes like $2 and attributes::jsonb ->> 'correlationid' = $1 limit 1)
     ) found`,
    [id, `%${likeText(JSON.stringify(id).slice(1, -1))}%`],
  )
  const at = exact.rows[0]?.at
  if (at) return [{ correlation: id, at, as: 'correlation id' }]

  const known = await query<{ correlation: string; at: Date; as: string; operation: string | null }>(
    `select distinct on (correlationid) correlationid as correlation, at, kind as "as", operation from (
       select correlationid, sent_at as at, 'message id' as kind, null as operation from spandrel.sent where message_id = $1 union all
       select correlationid, at, 'message id', null from spandrel.inbox where message_id = $1 union all
       select correlationid, held_at, 'message id', null from spandrel.held where message_id = $1 union all
       select correlationid, at, 'request id', null from spandrel.journal where message_id = $1 or causationid = $1 union all
       select correlationid, claimed_at, 'key', operation from spandrel.keys where key = $1 union all
       select correlationid, at, 'ordering key', operation from spandrel.inbox where partitionkey = $1 union all
       select correlationid, held_at, 'ordering key', operation from spandrel.held where partitionkey = $1
     ) found where correlationid is not null order by correlationid, kind, at limit 200`,
    [id],
  )
  if (known.rows.length > 0) {
    return known.rows
      .map(({ operation, ...row }) => ({ ...row, ...(operation !== null && { operation }) }))
      .sort((a, b) => b.at.getTime() - a.at.getTime())
      .slice(0, 20)
  }

  const text = JSON.stringify(id)
  const inside = await query<{ correlation: string; at: Date; text: string }>(
    `select distinct on (correlationid) correlationid as correlation, at, text from (
       select correlationid, sent_at as at, attributes as text from spandrel.sent where attributes like $1 union all
       select correlationid, sent_at, data from spandrel.sent where data like $1 union all
       select correlationid, held_at, data from spandrel.held where data like $1 union all
       select correlationid, claimed_at, body from spandrel.keys where body like $1 union all
       select correlationid, at, detail from spandrel.journal where detail like $1
     ) found where correlationid is not null order by correlationid, at desc limit 200`,
    [`%${likeText(text)}%`],
  )
  return inside.rows
    .map((row) => ({ correlation: row.correlation, at: row.at, as: propertyOf(row.text, id) }))
    .sort((a, b) => b.at.getTime() - a.at.getTime())
    .slice(0, 20)
}

/** The name of the property that has this value, as far as text tells: `orderId`. */
function propertyOf(text: string, id: string): string {
  const at = text.indexOf(JSON.stringify(id))
  const name = /"([^"\\]{1,60})"\s*:\s*$/.exec(text.slice(0, at))?.[1]
  return name === undefined ? 'value' : name === 'partitionkey' ? 'ordering key' : name
}

function likeText(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&')
}

function parsed(text: string | null): Record<string, unknown> {
  if (text === null) return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
