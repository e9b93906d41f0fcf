/** Counts effects in the service's own database, for services that have no operation to ask. */
import pg from 'pg'

export interface Counters {
  readonly counters: Readonly<Record<string, (marker: string) => Promise<number>>>
  close(): Promise<void>
}

/** Every query runs read-only, whatever it says. */
export function openCounters(database: string, queries: ReadonlyMap<string, string>): Counters {
  const pool = new pg.Pool({
    connectionString: database,
    max: 4,
    options: '-c default_transaction_read_only=on',
    connectionTimeoutMillis: 5000,
  })
  // A connection that is lost while idle is opened again when it is needed.
  pool.on('error', () => {})
  const counter =
    (query: string) =>
    async (marker: string): Promise<number> => {
      const { rows } = await pool.query<Record<string, unknown>>(query, [marker])
      const [value] = Object.values(rows[0] ?? {})
      const count = Number(value ?? Number.NaN)
      if (!Number.isInteger(count)) throw new Error('the query must give one number: select count(*) …')
      return count
    }
  return {
    counters: Object.fromEntries([...queries].map(([operation, query]) => [operation, counter(query)])),
    close: () => pool.end(),
  }
}
