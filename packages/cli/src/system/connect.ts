import { pgDatabase } from '@spandrel/runtime/pg'
import type { Database } from '@spandrel/runtime/operate'
import pg from 'pg'
import { CommandError } from '../output/command-error.ts'
import { type FoundDatabase, withoutPassword } from './database-url.ts'

/** Opens a database, runs `work`, closes it. One that does not answer is named, without its password. */
export async function connected<T>(
  found: FoundDatabase,
  work: (database: Database) => Promise<T>,
  options: { statementMs?: number } = {},
): Promise<T> {
  const pool = new pg.Pool({
    connectionString: found.url,
    connectionTimeoutMillis: 5000,
    max: 2,
    application_name: 'spandrel',
    // A terminal must not hang behind somebody's lock for ever.
    lock_timeout: 30_000,
    ...(options.statementMs !== undefined && { statement_timeout: options.statementMs }),
  })
  // A connection that breaks fails the query that was using it; this only keeps the process from ending.
  pool.on('error', () => {})
  try {
    await pool.query('select 1')
  } catch (cause) {
    await pool.end()
    throw unreachable(found, cause)
  }
  try {
    return await work(pgDatabase(pool))
  } finally {
    await pool.end()
  }
}

function unreachable(found: FoundDatabase, cause: unknown): CommandError {
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause
  const why = inner instanceof Error ? inner.message : String(inner)
  return new CommandError(`the database of ${found.service} cannot be reached: ${why}`, {
    where: `${withoutPassword(found.url)} (from ${found.from})`,
    fix: 'start the server or correct the connection string; `spandrel dev` starts one of its own',
    cause,
  })
}
