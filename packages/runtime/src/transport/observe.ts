/**
 * Looks on at a stream without taking part: no subscription, no position, nothing is settled. For those who judge a
 * service from outside. What was trimmed before it was looked at is not seen.
 */
import type { Query } from '../database/database.ts'
import { pgDatabase } from '../database/pg.ts'
import type { MessageAttributes } from '../message/envelope.ts'
import type { Delivery } from './transport.ts'
import { openPool } from './open.ts'

/** A place in a stream: the newest offset of each partition, by channel. */
export type StreamPlace = ReadonlyMap<string, readonly number[]>

export interface StreamObserver {
  /** Where these channels end now. A channel that is not registered is left out. */
  place(channels: readonly string[]): Promise<StreamPlace>
  /** At most `limit` messages of a channel after a place, in order within a partition. */
  since(channel: string, after: readonly number[], limit: number): Promise<readonly Delivery[]>
  close(): Promise<void>
}

/** Of a `postgres://` stream. It only reads: its two statements do, and a pooler refuses to be told so when connecting. */
export async function openObserver(url: string): Promise<StreamObserver> {
  const pool = await openPool(url, { max: 2 })
  return { ...observe(pgDatabase(pool).query), close: () => pool.end() }
}

function observe(query: Query): Omit<StreamObserver, 'close'> {
  return {
    async place(channels) {
      const { rows } = await query<{ address: string; heads: string[] }>(
        `select c.address, array_agg(h.head order by h.partition)::text[] as heads
         from spandrel_stream.channels c join spandrel_stream.heads h on h.channel = c.id
         where c.address = any($1::text[]) group by c.address`,
        [channels],
      )
      return new Map(rows.map(({ address, heads }) => [address, heads.map(Number)]))
    },

    async since(channel, after, limit) {
      const { rows } = await query<{ partition: number; offset: string; attributes: string; data: string }>(
        `select l.partition, l."offset", l.attributes, l.data
         from spandrel_stream.channels c
         cross join unnest($2::bigint[]) with ordinality as a (after, nth)
         cross join lateral (
           select k.partition, k."offset", k.attributes, k.data from spandrel_stream.log k
           where k.channel = c.id and k.partition = a.nth - 1 and k."offset" > a.after
           order by k."offset" limit $3
         ) l
         where c.address = $1 order by l.partition, l."offset" limit $3`,
        [channel, after, limit],
      )
      return rows.map(({ partition, offset, attributes, data }) => ({
        partition,
        offset: Number(offset),
        attributes: JSON.parse(attributes) as MessageAttributes,
        data,
      }))
    },
  }
}
