import { moving } from '../chaos/settle.ts'
import { withClient } from '../road/databases.ts'
import { counted } from '../report.ts'
import type { ShopDay } from '../shop-day.ts'

/** One line: who is down, what was ordered, what became of it, what moves. */
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
  return statusText({ ...counts, moving: unsent + undelivered, held, kills: chaos.strikes.length, down: road.down })
}

interface Status {
  orders: number
  completed: number
  rejected: number
  /** messages on the way */
  moving: number
  held: number
  kills: number
  down: readonly string[]
}

/** What is down comes first: a narrow terminal cuts the end. */
export function statusText({ orders, completed, rejected, moving: messages, held, kills, down }: Status): string {
  return [
    down.length === 0 ? 'all up' : `down ${down.join(', ')}`,
    `${orders} placed`,
    `${completed} done`,
    `${rejected} rejected`,
    `${orders - completed - rejected} open`,
    `${messages} moving`,
    ...(held > 0 ? [`${held} held`] : []),
    ...(kills > 0 ? [counted(kills, 'kill')] : []),
  ].join(' · ')
}
