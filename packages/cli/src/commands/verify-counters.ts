/** Counts effects in the service's own database, for services that have no operation to ask. */
import pg from 'pg'
import { CommandError } from '../output/command-error.ts'

export interface Counters {
  readonly counters: Readonly<Record<string, (marker: string) => Promise<number>>>
  close(): Promise<void>
}

/**
 * Every query runs in a read-only transaction, whatever it says and whoever the role is: a pooler may drop what was
 * asked for when connecting. Throws before anything is sent where the database cannot be reached or a query cannot run.
 */
export async function openCounters(database: string, queries: ReadonlyMap<string, string>): Promise<Counters> {
  const pool = new pg.Pool({ connectionString: database, max: 4, connectionTimeoutMillis: 5000 })
  // A connection that is lost while idle is opened again when it is needed.
  pool.on('error', () => {})
  const ask = async (query: string, marker: string): Promise<unknown> => {
    const client = await pool.connect()
    let fault: Error | undefined
    try {
      await client.query('begin transaction read only')
      const { rows } = await client.query<Record<string, unknown>>(query, [marker])
      return Object.values(rows[0] ?? {})[0]
    } catch (error) {
      fault = error as Error
      throw error
    } finally {
      await client.query('rollback').catch((error: unknown) => (fault = error as Error))
      client.release(fault !== undefined && !('severity' in fault))
    }
  }
  const counter =
    (query: string) =>
    async (marker: string): Promise<number> => {
      const count = Number((await ask(query, marker)) ?? Number.NaN)
      if (!Number.isInteger(count)) throw new Error('the query must give one number: select count(*) …')
      return count
    }
  try {
    await ask('select $1::text', '')
  } catch (error) {
    await pool.end()
    throw new CommandError(`the database cannot be read: ${reason(error)}`, {
      where: '--database',
      fix: 'give the database of the service, with a role that may read it: postgres://user@host:port/database',
      cause: error,
    })
  }
  for (const [operation, query] of queries) {
    try {
      await ask(query, 'spandrel-verify')
    } catch (error) {
      // What is wrong with this marker alone (it is no UUID, say) is not wrong with the query.
      const { code = '' } = error as { code?: string }
      if (!/^(42|25|0A)/.test(code)) continue
      await pool.end()
      throw new CommandError(`the query of ${operation} cannot run: ${reason(error)}`, {
        where: '--count',
        fix: 'it is one query that reads, with the marker as $1: select count(*) from orders where reference = $1',
        cause: error,
      })
    }
  }
  return {
    counters: Object.fromEntries([...queries].map(([operation, query]) => [operation, counter(query)])),
    close: () => pool.end(),
  }
}

function reason(error: unknown): string {
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error
  return inner instanceof Error ? inner.message : String(inner)
}
