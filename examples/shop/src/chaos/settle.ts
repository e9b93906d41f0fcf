import { setTimeout as delay } from 'node:timers/promises'
import { type Road } from '../road/road.ts'
import { type ServiceName, SERVICES, withClient } from '../road/databases.ts'
import { lag, outstandingAtCardnet, readPositions, streamHeads } from './in-flight.ts'

export interface Moving {
  /** rows in outboxes */
  unsent: number
  /** messages in the stream that a subscription has not passed */
  undelivered: number
  /** held, and neither dead nor behind a dead one */
  held: number
}

/** What still moves, by the service that has to move it. */
async function movingBy(road: Road): Promise<({ service: ServiceName } & Moving)[]> {
  const heads = await streamHeads(road)
  return Promise.all(
    SERVICES.map((service) =>
      withClient(road.databases.services[service], async (client) => {
        const outbox = await client.query<{ count: string }>('select count(*) from spandrel.outbox')
        const held = await client.query<{ count: string }>(
          `select count(*) from spandrel.held h where dead_at is null and not exists (
             select 1 from spandrel.held d where d.dead_at is not null and d.id < h.id and d.channel = h.channel
               and d.subscription is not distinct from h.subscription and d.partitionkey = h.partitionkey)`,
        )
        return {
          service,
          unsent: Number(outbox.rows[0]?.count),
          held: Number(held.rows[0]?.count),
          undelivered: lag(heads, await readPositions(client)),
        }
      }),
    ),
  )
}

/** What still moves between the services. */
export async function moving(road: Road): Promise<Moving> {
  const all = await movingBy(road)
  const sum = (pick: (one: Moving) => number): number => all.reduce((total, one) => total + pick(one), 0)
  return { unsent: sum((one) => one.unsent), undelivered: sum((one) => one.undelivered), held: sum((one) => one.held) }
}

/** Who still has something to move, a line each, with what its health says. */
export async function stillMoving(road: Road): Promise<string[]> {
  const busy = (await movingBy(road)).filter(({ unsent, undelivered, held }) => unsent + undelivered + held > 0)
  return Promise.all(
    busy.map(async ({ service, unsent, undelivered, held }) => {
      const health = JSON.stringify(await road.member(service === 'ledger' ? 'ledger-push' : service).health())
      return `${service}: ${unsent} unsent, ${undelivered} undelivered, ${held} held; health ${health}`
    }),
  )
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
