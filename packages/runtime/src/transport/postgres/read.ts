/**
 * Reading several partitions of a channel in one statement. Every partition asked for answers with at least one row,
 * so that a position from another incarnation is seen at once. The first message of each partition comes before the
 * second of any: a busy partition does not starve the others, and the limits cut the longest tails.
 */
import type { Query } from '../../database/database.ts'
import { planEachTime } from '../../database/prepared-names.ts'
import { SpandrelError } from '../../errors.ts'
import type { MessageAttributes } from '../../message/envelope.ts'
import type { Delivery } from '../transport.ts'

// The partitions that have something share the limit, so that a deep backlog is not read once for each of them: what
// the others do not take of their even share is left for this one. A message's place among those of its partition is
// told by its offset: there are no gaps.
const statement = `${planEachTime}
with asked as materialized (
  select a.partition, a.after, h.head, h.tail, greatest(0, h.head - greatest(a.after, h.tail)) as backlog,
    ceil($4::numeric / greatest(1, count(*) filter (where h.head > a.after) over ())) as even
  from unnest($2::int[], $3::bigint[]) as a (partition, after)
  left join spandrel_stream.heads h on h.channel = $1 and h.partition = a.partition
), shared as materialized (
  select *, greatest(1, $4::numeric - sum(least(backlog, even)) over () + least(backlog, even))::int as share
  from asked
), found as (
  select a.partition, l."offset", l.attributes, l.data,
    l."offset" - greatest(a.after, a.tail) as nth,
    sum(octet_length(l.data) + octet_length(l.attributes))
      over (order by l."offset" - greatest(a.after, a.tail), a.partition) as bytes
  from shared a
  cross join lateral (
    select k."offset", k.attributes, k.data
    from spandrel_stream.log k
    where k.channel = $1 and k.partition = a.partition and k."offset" > a.after
    order by k."offset" limit a.share
  ) l
  where a.backlog > 0
  order by nth, a.partition
  limit $4
)
select partition, head, tail, null as "offset", null as attributes, null as data from asked
union all
select partition, null, null, "offset", attributes, data from found where bytes <= $5 or nth = 1`

interface Row {
  partition: number
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
    if (row.offset !== null) {
      deliveries.push({
        partition: row.partition,
        offset: Number(row.offset),
        attributes: JSON.parse(row.attributes) as MessageAttributes,
        data: row.data,
      })
      continue
    }
    const position = after.get(row.partition) ?? 0
    if (row.head === null) throw gone(channel.address, row.partition, 'the partition does not exist')
    if (position > Number(row.head)) {
      throw gone(channel.address, row.partition, `position ${position} is past its newest message ${row.head}`)
    }
    if (position > 0 && position < Number(row.tail)) {
      throw gone(channel.address, row.partition, `messages ${position + 1} to ${row.tail} were trimmed unread`)
    }
  }
  return deliveries.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

function gone(address: string, partition: number, what: string): SpandrelError {
  return new SpandrelError('incarnation-changed', `${address}, partition ${partition}: ${what}`, {
    hint: 'the stream was made anew, or this database was restored from a backup; see docs/operations/positions.md before you move the position',
  })
}
