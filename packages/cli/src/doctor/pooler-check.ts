import pg from 'pg'
import { type Check, warning } from './check.ts'

const tries = 5

/**
 * Behind a pooler in transaction mode a connection is lent a server process for a transaction. So a second connection
 * can get the process that the first one has just had: two connections to a server never share one.
 */
export const pooler: Check = {
  id: 'pooler',
  looksAt: 'whether a pooler in transaction mode stands in between',
  // A gateway waits for no notification.
  of: ['service', 'stream'],
  async run({ url, name }) {
    const options = { connectionString: url, connectionTimeoutMillis: 5000, query_timeout: 5000 }
    const [one, other] = [new pg.Client(options), new pg.Client(options)]
    for (const client of [one, other]) client.on('error', () => {})
    try {
      await one.connect()
      await other.connect()
      const pid = async (client: pg.Client): Promise<number> =>
        (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0
      for (let n = 0; n < tries; n++) {
        const [first, second] = [await pid(one), await pid(other)]
        if (first !== second && first === (await pid(one))) continue
        return [
          warning(
            `${name} is reached through a pooler in transaction mode: messages wait for the next look (up to 1 s) instead of a notification, and statements are prepared for each use where the pooler cannot keep them`,
            'nothing is lost; for the relay and push, name the server itself instead of the pooler, or its port in session mode',
          ),
        ]
      }
      return []
    } finally {
      await one.end().catch(() => {})
      await other.end().catch(() => {})
    }
  },
}
