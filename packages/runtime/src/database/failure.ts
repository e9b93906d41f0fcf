/** What an error of the database means. SQLSTATE codes; see Appendix A of the PostgreSQL manual. */

/** The SQLSTATE of an error or of what caused it. */
export function sqlState(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = causeOf(at), depth++) {
    const code: unknown = 'code' in at ? at.code : undefined
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code
  }
  return undefined
}

/** What an error wraps: TypeORM's `QueryFailedError` says it in a way of its own. */
function causeOf(error: Error): unknown {
  return error.cause ?? (error as { driverError?: unknown }).driverError
}

/** A COMMIT whose answer never came: it may have happened. The key record tells. */
export function isCommitUnknown(error: unknown): boolean {
  return error instanceof Error && 'commitUnknown' in error && error.commitUnknown === true
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // postgres.js
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
])
const networkTexts =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exce+ded when trying to connect|Query read timeout|Connection ended|driver has already been destroyed|Query runner already released|Knex: Timeout acquiring)/i

/** The connection went away, or could not be had. */
export function isConnectionLost(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = causeOf(at), depth++) {
    const code: unknown = 'code' in at ? at.code : undefined
    if (typeof code === 'string' && (networkCodes.has(code) || code.startsWith('08') || code.startsWith('57P')))
      return true
    if (networkTexts.test(at.message)) return true
    if (at instanceof AggregateError && at.errors.some(isConnectionLost)) return true
  }
  return false
}

/**
 * A driver's prepared statement is not there (26000), or another client's of that name is (42P05): somebody stands
 * between us and the session.
 */
export function isForeignSession(error: unknown): boolean {
  const state = sqlState(error)
  return state === '26000' || state === '42P05'
}

/**
 * No fault of the statement or of who issued it: serialization failure, deadlock, an aborted transaction, resources,
 * shutdown, a lost connection, an unknown commit, a pooler that lost what was prepared. Trying again is right, and no attempt is counted.
 */
export function isTransientFailure(error: unknown): boolean {
  if (isCommitUnknown(error) || isConnectionLost(error) || isForeignSession(error)) return true
  const state = sqlState(error)
  if (state === undefined) return false
  return (
    state === '40001' || state === '40P01' || state === '25P02' || state.startsWith('53') || state.startsWith('57P')
  )
}
