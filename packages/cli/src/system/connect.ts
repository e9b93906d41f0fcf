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
  // A terminal must not hang behind somebody's lock for ever.
  const { statementMs } = options
  const limits = { lock_timeout: 30_000, ...(statementMs !== undefined && { statement_timeout: statementMs }) }
  const pool = await opened(found, limits).catch((cause: unknown) => {
    // A pooler that knows no such parameters: without them, then.
    if (/startup parameter/.test(String(cause))) return opened(found, {})
    throw cause
  })
  try {
    return await work(pgDatabase(pool))
  } finally {
    await pool.end()
  }
}

async function opened(found: FoundDatabase, limits: object): Promise<pg.Pool> {
  const pool = new pg.Pool({
    connectionString: found.url,
    connectionTimeoutMillis: 5000,
    max: 2,
    application_name: 'spandrel',
    ...limits,
  })
  // A connection that breaks fails the query that was using it; this only keeps the process from ending.
  pool.on('error', () => {})
  try {
    await pool.query('select 1')
    return pool
  } catch (cause) {
    await pool.end()
    throw unreachable(found, cause)
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
