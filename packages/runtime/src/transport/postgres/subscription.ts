/** A registered subscription's view of its channel in the postgres stream. */
import type { Query } from '../../database/database.ts'
import { SpandrelError } from '../../errors.ts'
import type { TransportSubscription } from '../transport.ts'
import type { RegisteredChannel } from './channels.ts'
import { read } from './read.ts'
import type { Wakes } from './wakes.ts'

export function postgresSubscription(
  query: Query,
  wakes: Wakes,
  name: string,
  channel: RegisteredChannel,
): TransportSubscription {
  const watches = new Set<{ close(): Promise<void> }>()
  return {
    partitions: channel.partitions,

    async incarnation() {
      const { rows } = await query<{ id: string }>('select id from spandrel_stream.incarnation')
      const id = rows[0]?.id
      if (id === undefined) {
        throw new SpandrelError('database-not-migrated', 'the stream has no incarnation', {
          hint: 'run `spandrel migrate`',
        })
      }
      return id
    },

    async heads() {
      const { rows } = await query<{ head: string }>(
        'select head from spandrel_stream.heads where channel = $1 order by partition',
        [channel.id],
      )
      return rows.map((row) => Number(row.head))
    },

    read: (after, options) => read(query, channel, after, options),

    watch(wake) {
      const watch = wakes.watch(channel.id, wake)
      watches.add(watch)
      return {
        close: async () => {
          watches.delete(watch)
          await watch.close()
        },
      }
    },

    async settle(positions) {
      if (positions.size === 0) return
      // Sorted: two replicas that settle at once take row locks in one order.
      const sorted = [...positions].sort(([a], [b]) => a - b)
      await query(
        `insert into spandrel_stream.positions as p (name, channel, partition, position)
         select $1, $2, s.partition, s.position from unnest($3::int[], $4::bigint[]) as s (partition, position)
         on conflict (name, channel, partition) do update
         set position = excluded.position, at = now() where p.position < excluded.position`,
        [name, channel.id, sorted.map(([partition]) => partition), sorted.map(([, position]) => position)],
      )
    },

    async close() {
      for (const watch of watches) await watch.close()
      watches.clear()
    },
  }
}
