/** What an error of the database means. SQLSTATE codes; see Appendix A of the PostgreSQL manual. */

/** The SQLSTATE of an error or of what caused it. */
export function sqlState(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = causeOf(at), depth++) {
    const code: unknown = 'code' in at ? at.code : undefined
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !prismaCode.test(code)) return code
  }
  return undefined
}

/** Prisma's own codes look like a SQLSTATE; those of PL/pgSQL begin with P0. */
const prismaCode = /^P[1-9]\d{3}$/

interface Wrapping {
  /** TypeORM's `QueryFailedError` */
  driverError?: unknown
  /** Prisma's `PrismaClientKnownRequestError` */
  meta?: { driverAdapterError?: unknown }
}

/** What an error wraps; some libraries say it in a way of their own. */
function causeOf(error: Error): unknown {
  const { driverError, meta } = error as Wrapping
  const cause = error.cause ?? driverError ?? meta?.driverAdapterError
  // Prisma's driver adapters keep what the server said in a plain object.
  const { originalCode, kind } = (cause ?? {}) as { originalCode?: unknown; kind?: unknown }
  if (cause instanceof Error || (originalCode === undefined && kind === undefined)) return cause
  return Object.assign(new Error(String(kind)), { code: originalCode ?? kind })
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
  // Prisma: not reachable, closed, no connection in time, a transaction that is over; and its driver adapters' kinds
  'P1001',
  'P1017',
  'P2024',
  'P2028',
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
])
/** As the drivers say it. Knex puts the statement before it, with ` - `. */
const networkTexts =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exce+ded when trying to connect|Query read timeout|Connection ended|driver has already been destroyed|Query runner already released|Knex: Timeout acquiring)/i

/** The connection went away, or could not be had. */
export function isConnectionLost(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = causeOf(at), depth++) {
    const code: unknown = 'code' in at ? at.code : undefined
    if (typeof code === 'string' && (networkCodes.has(code) || code.startsWith('08') || code.startsWith('57P')))
      return true
    if (networkTexts.test(at.message)) return true
    if (code === undefined && networkTexts.test(at.message.slice(at.message.lastIndexOf(' - ') + 3))) return true
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
