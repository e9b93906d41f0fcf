/**
 * Trimming: nothing above the slowest registered subscription's position goes, and a few messages below it stay for
 * journeys and redelivery. Small batches by primary key, each its own short transaction; the tail moves with them
 * under the partition's row lock, so that a reader never finds a gap it was not told of.
 */
import type { Query } from '../../database/database.ts'

const batchSize = 5000
/** Under a steady load there is always something more; the rest is for the next turn. */
const mostBatches = 200

/** One batch of the partition that has most to give; 0 when there is nothing to trim. */
const statement = `
with slowest as (
  select h.channel, h.partition, h.tail,
    least(h.head - $1::bigint, (
      select min(coalesce(p.position, 0))
      from spandrel_stream.subscriptions s
      left join spandrel_stream.positions p on p.name = s.name and p.channel = s.channel and p.partition = h.partition
      where s.channel = h.channel
    )) as upto
  from spandrel_stream.heads h
), chosen as (
  select channel, partition, least(upto, tail + $2::bigint) as upto
  from slowest where upto > tail order by upto - tail desc limit 1
), locked as materialized (
  select h.channel, h.partition, c.upto
  from spandrel_stream.heads h join chosen c on c.channel = h.channel and c.partition = h.partition
  for update of h skip locked
), moved as (
  update spandrel_stream.heads h set tail = l.upto
  from locked l where h.channel = l.channel and h.partition = l.partition and h.tail < l.upto
  returning h.channel, h.partition, h.tail
)
delete from spandrel_stream.log k using moved m
where k.channel = m.channel and k.partition = m.partition and k."offset" <= m.tail`

/** Trims what every subscription has handled, less the newest `keep` of each partition. Resolves with the count. */
export async function trim(query: Query, keep: number): Promise<number> {
  let trimmed = 0
  for (let batch = 0; batch < mostBatches; batch++) {
    const { rowCount } = await query(statement, [keep, batchSize])
    if (!rowCount) break
    trimmed += rowCount
  }
  return trimmed
}
