import pg from 'pg'
import { CommandError } from '../output/command-error.ts'
import { type FoundDatabase, withoutPassword } from './database-url.ts'

/** Opens a connection, runs `work`, closes it. A database that does not answer is named, without its password. */
export async function withClient<T>(database: FoundDatabase, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: database.url,
    connectionTimeoutMillis: 5000,
    application_name: 'spandrel',
  })
  // A connection that breaks fails the query that was using it; this only keeps the process from ending.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    throw unreachable(database, cause)
  }
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

export function unreachable(database: FoundDatabase, cause: unknown): CommandError {
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause
  const why = inner instanceof Error ? inner.message : String(inner)
  return new CommandError(`the database of ${database.service} cannot be reached: ${why}`, {
    where: `${withoutPassword(database.url)} (from ${database.from})`,
    fix: 'start the server or correct the connection string; `spandrel dev` starts one of its own',
    cause,
  })
}
