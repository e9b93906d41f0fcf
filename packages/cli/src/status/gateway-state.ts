/** What the gateway's database says about the keys that it keeps, in one statement. It only reads. */
import type { Query } from '@spandrel/runtime/operate'

export interface GatewayState {
  /** claimed, and their requests are under way */
  open: number
  /** the exchange broke: nobody knows what it did, and copies wait for the end of the lease */
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
    `select count(*) filter (where state = 'claimed' and outcome is distinct from 'unknown')::int as open,
       count(*) filter (where state = 'claimed' and outcome = 'unknown')::int as unknown,
       count(*) filter (where state = 'done')::int as done, count(*) >= ${mostCounted} as partly
     from (select state, outcome from spandrel_gateway.keys limit ${mostCounted}) k`,
    [],
  )
  return rows[0] ?? { open: 0, unknown: 0, done: 0, partly: false }
}
