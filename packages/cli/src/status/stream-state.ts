/** What the stream says: how far each subscription is behind, and how full its channels are. It only reads. */
import type { Query } from '@spandrel/runtime/operate'

/** A partition of a subscription, and where its reader is. */
export interface ReaderPlace {
  subscription: string
  partition: number
  position: string
}

export interface Lag {
  subscription: string
  /** messages that were not read yet */
  behind: number
  /** since when the oldest of them has been there; null where nothing is behind */
  oldestSeconds: number | null
}

export interface ChannelFill {
  channel: string
  /** of its fullest partition: 1 refuses more, and outboxes wait */
  fill: number
}

/** The services' own positions count; where a service's database is away, the copies that the stream keeps. */
export async function lags(query: Query, places: readonly ReaderPlace[]): Promise<Lag[]> {
  const { rows } = await query<{ subscription: string; behind: string; seconds: number | null }>(
    `with given as (
       select * from unnest($1::text[], $2::int[], $3::bigint[]) as g (subscription, partition, position)
     )
     select s.name as subscription, sum(greatest(h.head - at.position, 0)) as behind,
       max(extract(epoch from clock_timestamp() - l.appended_at))::float8 as seconds
     from spandrel_stream.subscriptions s
     join spandrel_stream.heads h on h.channel = s.channel
     left join given g on g.subscription = s.name and g.partition = h.partition
     left join spandrel_stream.positions p on p.name = s.name and p.channel = s.channel and p.partition = h.partition
     cross join lateral (select greatest(coalesce(g.position, p.position, 0), h.tail) as position) at
     left join lateral (
       select k.appended_at from spandrel_stream.log k
       where k.channel = h.channel and k.partition = h.partition and k."offset" > at.position
       order by k."offset" limit 1
     ) l on true
     group by s.name order by s.name`,
    [
      places.map(({ subscription }) => subscription),
      places.map(({ partition }) => partition),
      places.map(({ position }) => position),
    ],
  )
  return rows.map(({ subscription, behind, seconds }) => ({
    subscription,
    behind: Number(behind),
    oldestSeconds: seconds,
  }))
}

export async function channelFills(query: Query): Promise<ChannelFill[]> {
  const { rows } = await query<ChannelFill>(
    `select c.address as channel,
       max((h.head - h.tail)::float8 / greatest(1, c.max_messages / c.partitions)) as fill
     from spandrel_stream.channels c join spandrel_stream.heads h on h.channel = c.id
     group by c.address order by c.address`,
    [],
  )
  return rows
}
