/**
 * Reading several partitions of a channel in one statement. Every partition asked for answers with at least one row,
 * so that a position from another incarnation is seen at once. The first message of each partition comes before the
 * second of any: a busy partition does not starve the others, and the limits cut the longest tails.
 */
import type { Query } from '../../database/database.ts'
import { SpandrelError } from '../../errors.ts'
import type { MessageAttributes } from '../../message/envelope.ts'
import type { Delivery } from '../transport.ts'

const statement = `
with asked as materialized (
  select a.partition, a.after, h.head, h.tail
  from unnest($2::int[], $3::bigint[]) as a (partition, after)
  left join spandrel_stream.heads h on h.channel = $1 and h.partition = a.partition
), found as (
  select a.partition, l."offset", l.attributes, l.data, l.n,
    sum(octet_length(l.data) + octet_length(l.attributes)) over (order by l.n, a.partition) as bytes
  from asked a
  cross join lateral (
    select k."offset", k.attributes, k.data, row_number() over (order by k."offset") as n
    from spandrel_stream.log k
    where k.channel = $1 and k.partition = a.partition and k."offset" > a.after
    order by k."offset" limit $4
  ) l
  order by l.n, a.partition
  limit $4
)
select a.partition, a.after, a.head, a.tail, f."offset", f.attributes, f.data
from asked a left join found f on f.partition = a.partition and (f.bytes <= $5 or f.n = 1)
order by a.partition, f."offset"`

interface Row {
  partition: number
  after: string
  head: string | null
  tail: string | null
  offset: string | null
  attributes: string
  data: string
}

export interface ReadOptions {
  limit: number
  maxBytes: number
}

/** Messages after each position, ascending by partition and offset. */
export async function read(
  query: Query,
  channel: { id: number; address: string },
  after: ReadonlyMap<number, number>,
  options: ReadOptions,
): Promise<Delivery[]> {
  if (after.size === 0) return []
  const { rows } = await query<Row>(statement, [
    channel.id,
    [...after.keys()],
    [...after.values()],
    Math.max(options.limit, after.size),
    options.maxBytes,
  ])
  const deliveries: Delivery[] = []
  for (const row of rows) {
    const position = Number(row.after)
    if (row.head === null) throw gone(channel.address, row.partition, 'the partition does not exist')
    if (position > Number(row.head)) {
      throw gone(channel.address, row.partition, `position ${position} is past its newest message ${row.head}`)
    }
    if (position > 0 && position < Number(row.tail)) {
      throw gone(channel.address, row.partition, `messages ${position + 1} to ${row.tail} were trimmed unread`)
    }
    if (row.offset === null) continue
    deliveries.push({
      partition: row.partition,
      offset: Number(row.offset),
      attributes: JSON.parse(row.attributes) as MessageAttributes,
      data: row.data,
    })
  }
  return deliveries
}

function gone(address: string, partition: number, what: string): SpandrelError {
  return new SpandrelError('incarnation-changed', `${address}, partition ${partition}: ${what}`, {
    hint: 'the stream was made anew, or this database was restored from a backup; see docs/operations/positions.md before you move the position',
  })
}
