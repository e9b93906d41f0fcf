import { moving } from '../chaos/settle.ts'
import { withClient } from '../road/databases.ts'
import { counted } from '../report.ts'
import type { ShopDay } from '../shop-day.ts'

/** One line: what was ordered, what became of it, what moves, who is down. */
export async function readStatus(day: ShopDay): Promise<string> {
  const { road, chaos } = day
  const [counts, { unsent, undelivered, held }] = await Promise.all([
    withClient(road.databases.services.orders, async (client) => {
      const { rows } = await client.query<{ completed: number; rejected: number; orders: number }>(
        `select count(*) filter (where what = 'completed')::int as completed, count(*) filter (where what = 'rejected')::int as rejected,
           count(*) filter (where what = 'placed')::int as orders from order_history`,
      )
      return rows[0] ?? { completed: 0, rejected: 0, orders: 0 }
    }),
    moving(road),
  ])
  const open = counts.orders - counts.completed - counts.rejected
  const { down } = road
  return [
    `${counts.orders} placed`,
    `${counts.completed} completed`,
    `${counts.rejected} rejected`,
    `${open} open`,
    `${counted(unsent + undelivered, 'message')} on the way`,
    ...(held > 0 ? [`${held} held`] : []),
    ...(chaos.strikes.length > 0 ? [counted(chaos.strikes.length, 'kill')] : []),
    down.length === 0 ? 'all up' : `down: ${down.join(', ')}`,
  ].join(' · ')
}
