/**
 * Appending a batch: one statement, one commit.
 *
 * Offsets are given while the partition's row is locked, and the lock is held to the commit. So offset order is commit
 * order and there are no gaps: a reader that asks for `offset > position` misses nothing. Rows are locked in ascending
 * order, so that two appends cannot wait for each other. A full partition (more kept messages than its share of
 * `max_messages`) takes no message of this batch; the others are not touched by that.
 */
import type { Query } from '../../database/database.ts'

export interface Append {
  channel: number
  partition: number
  attributes: string
  data: string
}

const statement = `
with batch as materialized (
  select channel, partition, attributes, data, n
  from unnest($1::int[], $2::int[], $3::text[], $4::text[]) with ordinality as b (channel, partition, attributes, data, n)
), wanted as materialized (
  select channel, partition, count(*) as amount from batch group by channel, partition
), locked as materialized (
  select h.channel, h.partition
  from spandrel_stream.heads h
  join wanted w on w.channel = h.channel and w.partition = h.partition
  order by h.channel, h.partition
  for update of h
), moved as (
  update spandrel_stream.heads h
  set head = h.head + w.amount
  from wanted w
  join locked l on l.channel = w.channel and l.partition = w.partition
  join spandrel_stream.channels c on c.id = w.channel
  where h.channel = w.channel and h.partition = w.partition
    and h.head - h.tail < greatest(1, c.max_messages / c.partitions)
  returning h.channel, h.partition, h.head - w.amount as before
), appended as (
  insert into spandrel_stream.log (channel, partition, "offset", attributes, data)
  select b.channel, b.partition, m.before + row_number() over (partition by b.channel, b.partition order by b.n),
    b.attributes, b.data
  from batch b join moved m on m.channel = b.channel and m.partition = b.partition
)
select channel, partition from moved`

/** Resolves with the partitions that took their messages, as `<channel>:<partition>`. */
export async function append(query: Query, batch: readonly Append[]): Promise<ReadonlySet<string>> {
  const { rows } = await query<{ channel: number; partition: number }>(statement, [
    batch.map((message) => message.channel),
    batch.map((message) => message.partition),
    batch.map((message) => message.attributes),
    batch.map((message) => message.data),
  ])
  return new Set(rows.map((row) => `${row.channel}:${row.partition}`))
}
