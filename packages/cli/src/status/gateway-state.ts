/** What the gateway's database says about the keys that it keeps, in one statement. It only reads. */
import type { Query } from '@spandrel/runtime/operate'

export interface GatewayState {
  /** claimed, and their requests are under way */
  open: number
  /** the exchange broke, or its gateway died: nobody knows what it did, and a copy is sent when the lease has ended */
  unknown: number
  /** a copy gets the remembered answer */
  done: number
  /** so many records were looked at, and there are more: the numbers are of these */
  partly: boolean
}

/** No index tells states apart, and records can be many. */
const mostCounted = 200_000

export async function gatewayState(query: Query): Promise<GatewayState> {
  const { rows } = await query<GatewayState>(
    `select count(*) filter (where state = 'claimed' and not broken)::int as open,
       count(*) filter (where state = 'claimed' and broken)::int as unknown,
       count(*) filter (where state = 'done')::int as done, count(*) >= ${mostCounted} as partly
     from (select state, coalesce(outcome = 'unknown', false) or lease_until < now() as broken
       from spandrel_gateway.keys limit ${mostCounted}) k`,
    [],
  )
  return rows[0] ?? { open: 0, unknown: 0, done: 0, partly: false }
}
