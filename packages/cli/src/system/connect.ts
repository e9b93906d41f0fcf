import { pgDatabase } from '@spandrel/runtime/pg'
import { type Database, isConnectionLost, sqlState } from '@spandrel/runtime/operate'
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
  // The server says no after `statement_timeout`; one that says nothing at all is taken for dead a moment later.
  const answerMs = statementMs === undefined ? undefined : statementMs + 1000
  const limits = {
    lock_timeout: 30_000,
    ...(statementMs !== undefined && { statement_timeout: statementMs, query_timeout: answerMs }),
  }
  const pool = await opened(found, limits).catch((cause: unknown) => {
    // A pooler that knows no such parameters: without them, then.
    if (/startup parameter/.test(String(cause)))
      return opened(found, { ...(answerMs !== undefined && { query_timeout: answerMs }) })
    throw cause
  })
  try {
    return await work(pgDatabase(pool, { ...(answerMs !== undefined && { answerMs }) }))
  } catch (cause) {
    if (sqlState(cause) === '42501') throw forbidden(found, cause)
    if (!isConnectionLost(cause)) throw cause
    throw away(found, 'stopped answering', cause)
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
    throw away(found, 'cannot be reached', cause)
  }
}

function away(found: FoundDatabase, how: string, cause: unknown): CommandError {
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause
  const why = inner instanceof Error ? inner.message : String(inner)
  return new CommandError(`the database of ${found.service} ${how}: ${why}`, {
    where: `${withoutPassword(found.url)} (from ${found.from})`,
    fix: 'start the server or correct the connection string; `spandrel dev` starts one of its own',
    cause,
  })
}

function forbidden(found: FoundDatabase, cause: unknown): CommandError {
  return new CommandError(cause instanceof Error ? cause.message : String(cause), {
    where: `${withoutPassword(found.url)} (from ${found.from})`,
    fix: 'connect as a role that may; to migrate, as the owner of the database. `spandrel doctor` says what a role lacks',
    cause,
  })
}
