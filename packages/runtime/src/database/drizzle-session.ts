/** What stands behind a Drizzle database and its transactions: the driver's own pool, client or `sql`. */
import { SpandrelError } from '../errors.ts'
import type { Query } from './database.ts'
import { acquire, defaultAnswerMs } from './pg-connection.ts'
import { through } from './pg-statement.ts'
import type { PgPool, PgQueryable } from './pg-types.ts'
import { type PostgresJsQueryable, run } from './postgres-js.ts'

export interface DrizzleSession<Tx> {
  readonly client: PostgresJsQueryable | PgQueryable
  transaction(work: (tx: Tx) => Promise<void>): Promise<unknown>
}

export function sessionOf<Tx>(db: object): DrizzleSession<Tx> {
  const { session } = db as { session?: DrizzleSession<Tx> }
  const client: object | undefined = session?.client
  if (session !== undefined && client !== undefined && ('unsafe' in client || 'query' in client)) return session
  throw notUsable('this is no Drizzle database over node-postgres or postgres.js')
}

export function notUsable(what: string): SpandrelError {
  return new SpandrelError('wrong-configuration', what, {
    hint: 'make it with drizzle-orm/node-postgres over a pool, or with drizzle-orm/postgres-js',
  })
}

/** On the driver's own connection: Drizzle turns off the driver's decoding of timestamps in what passes through it. */
export function queryOf(db: object): Query {
  const { client } = sessionOf(db)
  return 'unsafe' in client ? (((sql, values) => run(client, sql, values)) as Query) : through(client)
}

/**
 * A transaction on a connection that we take from the pool and give back. Drizzle would take one itself, but sends BEGIN
 * before it cares for it: one that is lost there ends the process, and never comes back to the pool, so that a service
 * stands still after as many as the pool has (seen with a pooler whose server had gone).
 */
export async function onOwnConnection<Tx>(
  session: DrizzleSession<Tx>,
  pool: PgPool,
  work: (tx: Tx) => Promise<void>,
): Promise<void> {
  const client = await acquire(pool, defaultAnswerMs)
  /** what `work` ended with; anything else is Drizzle's own BEGIN, COMMIT or ROLLBACK, after which nothing is certain */
  let ended: { error?: unknown } | undefined
  let broken = true
  try {
    const own = Object.create(session, { client: { value: client } }) as typeof session
    await own.transaction(async (tx) => {
      try {
        await work(tx)
        ended = {}
      } catch (error) {
        ended = { error }
        throw error
      }
    })
    broken = false
  } catch (error) {
    broken = ended === undefined || ended.error !== error
    throw error
  } finally {
    client.release(broken)
  }
}
