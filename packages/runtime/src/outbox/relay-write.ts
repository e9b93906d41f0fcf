/** What the relay writes: rows that are on their way out go to `sent`, rows that can never be sent to `held`. */
import type { Database, Query } from '../database/database.ts'
import { planEachTime } from '../database/prepared-names.ts'
import { journal } from '../inbox/journal.ts'
import type { OutgoingMessage } from '../message/envelope.ts'

/** A row of the outbox as a message. */
export interface OutboxMessage extends OutgoingMessage {
  rowId: bigint
}

/** One statement: only what is deleted here is written to `sent`, however many relays work on a row. */
const deleteSent = `${planEachTime}
with gone as (
  delete from spandrel.outbox where id = any ($1::bigint[]) returning id, channel, attributes, data
), kept as (
  insert into spandrel.sent (id, channel, source, message_id, type, correlationid, attributes, data)
  select g.id, g.channel, m.source, m.message_id, m.type, m.correlationid, g.attributes, case when $6 then g.data end
  from gone g
  join unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) as m (id, source, message_id, type, correlationid)
    on m.id = g.id
)
select pg_current_xact_id()::text as xid`

/** Deletes rows whose messages the transport confirmed; the transaction id of the delete. */
export async function deleteConfirmed(
  query: Query,
  messages: readonly OutboxMessage[],
  keepData: boolean,
): Promise<bigint> {
  const { rows } = await query<{ xid: string }>(deleteSent, [
    messages.map(({ rowId }) => rowId.toString()),
    messages.map(({ attributes }) => attributes.source),
    messages.map(({ attributes }) => attributes.id),
    messages.map(({ attributes }) => attributes.type),
    messages.map(({ attributes }) => attributes.correlationid ?? null),
    keepData,
  ])
  return BigInt(rows[0]?.xid ?? 0)
}

const moveToHeld = `
with gone as (
  delete from spandrel.outbox where id = $1::bigint returning channel, partitionkey, attributes, data
)
insert into spandrel.held
  (side, channel, partitionkey, source, message_id, type, attributes, data, attempts, dead_at, reason, error, correlationid)
select 'producer', channel, partitionkey, $2, $3, $4, attributes, data, 1, clock_timestamp(), $5, $6, $7 from gone
on conflict do nothing`

const errorLength = 2000

/** Why a row can never be sent. */
export interface Refusal {
  message: OutboxMessage
  reason: 'refused' | 'contract-violation'
  error: string
}

/** Turns rows that can never be sent into held messages of this producer; their keys wait behind them. */
export async function holdRefused(database: Database, refusals: readonly Refusal[]): Promise<void> {
  if (refusals.length === 0) return
  await database.transaction(async ({ query }) => {
    const moves = refusals.map(({ message, reason, error }) => {
      const { id, source, type, correlationid } = message.attributes
      return query(moveToHeld, [
        message.rowId.toString(),
        source,
        id,
        type,
        reason,
        error.slice(0, errorLength),
        correlationid ?? null,
      ])
    })
    await Promise.all(moves)
    await journal(
      query,
      refusals.map(({ message, reason, error }) => ({
        kind: 'dead' as const,
        correlationid: message.attributes.correlationid,
        source: message.attributes.source,
        messageId: message.attributes.id,
        causationid: message.attributes.causationid,
        actor: 'relay',
        why: error,
        detail: { channel: message.channel, reason },
      })),
    )
  })
}

const expire = `${planEachTime}
delete from spandrel.sent where id = any (array(
  select id from (select id, sent_at from spandrel.sent order by id limit $1) lowest
  where sent_at < clock_timestamp() - $2::float8 * interval '1 millisecond'))`

/**
 * Deletes one batch of what was sent before the retention; how many went. The lowest ids are the oldest, so only they
 * are looked at: no index on the time is needed, and no batch reads more than its size (FM06).
 */
export async function expireSent(query: Query, options: { retentionMs: number; limit: number }): Promise<number> {
  const { rowCount } = await query(expire, [options.limit, options.retentionMs])
  return rowCount ?? 0
}
