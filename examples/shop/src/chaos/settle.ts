import { setTimeout as delay } from 'node:timers/promises'
import { type Road } from '../road/road.ts'
import { SERVICES, withClient } from '../road/databases.ts'
import { lag, outstandingAtCardnet, readPositions, streamHeads } from './in-flight.ts'

export interface Moving {
  /** rows in outboxes */
  unsent: number
  /** messages in the stream that a subscription has not passed */
  undelivered: number
  /** held, and neither dead nor behind a dead one */
  held: number
}

/** What still moves between the services. */
export async function moving(road: Road): Promise<Moving> {
  const heads = await streamHeads(road)
  const all = await Promise.all(
    SERVICES.map((service) =>
      withClient(road.databases.services[service], async (client) => {
        const outbox = await client.query<{ count: string }>('select count(*) from spandrel.outbox')
        const held = await client.query<{ count: string }>(
          `select count(*) from spandrel.held h where dead_at is null and not exists (
             select 1 from spandrel.held d where d.dead_at is not null and d.id < h.id and d.channel = h.channel
               and d.subscription is not distinct from h.subscription and d.partitionkey = h.partitionkey)`,
        )
        return {
          unsent: Number(outbox.rows[0]?.count),
          held: Number(held.rows[0]?.count),
          undelivered: lag(heads, await readPositions(client)),
        }
      }),
    ),
  )
  const sum = (pick: (one: Moving) => number): number => all.reduce((total, one) => total + pick(one), 0)
  return { unsent: sum((one) => one.unsent), undelivered: sum((one) => one.undelivered), held: sum((one) => one.held) }
}

/** Waits until nothing has moved for a while. False where something still does when the time is over. */
export async function settle(road: Road, timeoutMs: number): Promise<boolean> {
  const started = Date.now()
  for (let quiet = 0; quiet < 3;) {
    if (Date.now() - started > timeoutMs) return false
    const { unsent, undelivered, held } = await moving(road)
    const cards = await outstandingAtCardnet(road)
    quiet = unsent + undelivered + held + cards === 0 ? quiet + 1 : 0
    await delay(100)
  }
  return true
}
