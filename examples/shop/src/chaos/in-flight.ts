/** What a process has in flight, seen from outside: Postgres, the shopper and the card network are asked. */
import type pg from 'pg'
import { type Road, serviceOf, type Victim } from '../road/road.ts'
import { withClient } from '../road/databases.ts'
import type { Shopper } from '../shopper/shopper.ts'

export interface InFlight {
  /** of this process, begun and not ended */
  transactions: number
  /** that wait for this process's answer, or that it waits for */
  requests: number
  /** in its outbox, or in the stream and not handled by it yet */
  messages: number
}

export function anything({ transactions, requests, messages }: InFlight): boolean {
  return transactions + requests + messages > 0
}

const MINE = `datname = any ($1::text[]) and (application_name = $2 or application_name = $2 || ' stream') and backend_type = 'client backend'`

export async function transactionsOf(server: pg.Client, road: Road, victim: Victim): Promise<number> {
  const { rows } = await server.query<{ count: string }>(
    `select count(*) from pg_stat_activity where ${MINE} and state <> 'idle' and xact_start is not null`,
    [road.databases.names, victim],
  )
  return Number(rows[0]?.count ?? 0)
}

/** Whether one of its statements waits for a lock. */
export async function waitsForLock(server: pg.Client, road: Road, victim: Victim): Promise<boolean> {
  const { rows } = await server.query(
    `select 1 from pg_stat_activity where ${MINE} and wait_event_type = 'Lock' limit 1`,
    [road.databases.names, victim],
  )
  return rows.length > 0
}

/** Ends its sessions on the server, as when the machine goes and not only the process. */
export async function cutSessions(server: pg.Client, road: Road, victim: Victim): Promise<void> {
  await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${MINE}`, [
    road.databases.names,
    victim,
  ])
}

export async function measure(server: pg.Client, road: Road, victim: Victim, shopper: Shopper): Promise<InFlight> {
  const [transactions, requests, messages] = await Promise.all([
    transactionsOf(server, road, victim),
    requestsOf(road, victim, shopper),
    messagesOf(road, victim),
  ])
  return { transactions, requests, messages }
}

async function requestsOf(road: Road, victim: Victim, shopper: Shopper): Promise<number> {
  if (victim === 'gateway' || victim === 'orders') return shopper.status().outstanding
  if (serviceOf(victim) !== 'payments') return 0
  return outstandingAtCardnet(road)
}

/** Requests the card network is working on. */
export async function outstandingAtCardnet(road: Road): Promise<number> {
  const ask = (): Promise<Response> => fetch(new URL('/outstanding', road.cardnetUrl))
  // A connection that was kept alive may be closed by the other side just then; a new one tells.
  const answer = await ask().catch(ask)
  return Number(await answer.text())
}

async function messagesOf(road: Road, victim: Victim): Promise<number> {
  const service = serviceOf(victim)
  // The ledger itself only answers: who has messages for it is its push.
  if (service === undefined || victim === 'ledger') return 0
  const heads = await streamHeads(road)
  return withClient(road.databases.services[service], async (client) => {
    const outbox = await client.query<{ count: string }>('select count(*) from spandrel.outbox')
    return Number(outbox.rows[0]?.count ?? 0) + lag(heads, await readPositions(client))
  })
}

export interface Position {
  subscription: string
  partition: number
  position: string
}

/** `<channel> <partition>` → newest offset */
export async function streamHeads(road: Road): Promise<ReadonlyMap<string, number>> {
  return withClient(road.databases.stream, async (client) => {
    const { rows } = await client.query<{ address: string; partition: number; head: string }>(
      'select c.address, h.partition, h.head from spandrel_stream.heads h join spandrel_stream.channels c on c.id = h.channel',
    )
    return new Map(rows.map(({ address, partition, head }) => [`${address} ${partition}`, Number(head)]))
  })
}

export async function readPositions(client: pg.Client): Promise<readonly Position[]> {
  const { rows } = await client.query<Position>('select subscription, partition, position from spandrel.partitions')
  return rows
}

/** Messages that are in the stream and beyond these positions. */
export function lag(heads: ReadonlyMap<string, number>, positions: readonly Position[]): number {
  let behind = 0
  for (const { subscription, partition, position } of positions) {
    const channel = subscription.slice(subscription.indexOf(':') + 1)
    behind += Math.max(0, (heads.get(`${channel} ${partition}`) ?? 0) - Number(position))
  }
  return behind
}
