/**
 * Law 9: each (message, subscription) is exactly one of on its way, held, handled, suppressed, discarded. Asked of the
 * stream and of the consumer's database, which are different ones; run it while nothing is in flight, or again.
 */
import type { Query } from '../database/database.ts'
import type { MessageAttributes } from '../message/envelope.ts'

export interface Conservation {
  subscription: string
  /** messages the stream keeps, each counted once however often it was sent */
  messages: number
  onItsWay: number
  held: number
  handled: number
  suppressed: number
  discarded: number
  /** of a type this service does not receive */
  ignored: number
  /** `<source> <id>` of messages that were passed and left no trace, or are two things at once; a hundred at most */
  lost: string[]
  twice: string[]
}

const page = 1000

const log = `
select l.partition, l."offset"::float8 as "offset", l.attributes from spandrel_stream.log l
join spandrel_stream.channels c on c.id = l.channel
where c.address = $1 and (l.partition, l."offset") > ($2::int, $3::bigint)
order by l.partition, l."offset" limit $4`

const ends = `
select m.n::int as n, p.position >= m."offset" as passed,
  coalesce(i.outcome, '') as outcome,
  exists (select 1 from spandrel.held h where coalesce(h.subscription, '') = $1 and h.channel = $2
    and h.source = m.source and h.message_id = m.id) as held
from unnest($3::text[], $4::text[], $5::int[], $6::bigint[]) with ordinality as m(source, id, partition, "offset", n)
left join spandrel.partitions p on p.subscription = $1 and p.partition = m.partition
left join spandrel.inbox i on i.subscription = $1 and i.source = m.source and i.message_id = m.id
order by m.n`

/** Counts the messages the stream still keeps for one subscription, a page at a time. */
export async function conservation(
  stream: Query,
  consumer: Query,
  subscription: { name: string; channel: string },
): Promise<Conservation> {
  const result: Conservation = {
    subscription: subscription.name,
    messages: 0,
    onItsWay: 0,
    held: 0,
    handled: 0,
    suppressed: 0,
    discarded: 0,
    ignored: 0,
    lost: [],
    twice: [],
  }
  const seen = new Set<string>()
  let after = { partition: -1, offset: 0 }
  for (;;) {
    const { rows } = await stream<{ partition: number; offset: number; attributes: string }>(log, [
      subscription.channel,
      after.partition,
      after.offset,
      page,
    ])
    const last = rows.at(-1)
    if (last === undefined) return result
    after = last
    const messages = rows.map((row) => ({ ...row, ...(JSON.parse(row.attributes) as MessageAttributes) }))
    const answer = await consumer<{ passed: boolean; outcome: string; held: boolean }>(ends, [
      subscription.name,
      subscription.channel,
      messages.map(({ source }) => source),
      messages.map(({ id }) => id),
      messages.map(({ partition }) => partition),
      messages.map(({ offset }) => offset),
    ])
    answer.rows.forEach((end, index) => {
      const { source, id } = messages[index] ?? { source: '', id: '' }
      const name = `${source} ${id}`
      if (seen.has(name)) return
      seen.add(name)
      result.messages++
      count(result, name, end)
    })
  }
}

function count(result: Conservation, name: string, end: { passed: boolean; outcome: string; held: boolean }): void {
  if (end.held && end.outcome !== '') note(result.twice, name)
  if (end.held) result.held++
  else if (end.outcome === 'handled') result.handled++
  else if (end.outcome === 'suppressed') result.suppressed++
  else if (end.outcome === 'discarded' || end.outcome === 'edited') result.discarded++
  else if (end.outcome === 'ignored') result.ignored++
  else if (end.passed) note(result.lost, name)
  else result.onItsWay++
}

function note(list: string[], name: string): void {
  if (list.length < 100) list.push(name)
}
