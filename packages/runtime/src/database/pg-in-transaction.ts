import type { PgPool, PgQueryable } from './pg-types.ts'

export function isPool(client: object): client is PgPool {
  return 'totalCount' in client
}

/** False only where that is certain: a pool, or a client that has nothing under way and no transaction open. */
export function isInTransaction(client: PgQueryable): boolean {
  if (isPool(client)) return false
  const { readyForQuery, getTransactionStatus } = client as { readyForQuery?: unknown; getTransactionStatus?: unknown }
  if (readyForQuery !== true || typeof getTransactionStatus !== 'function') return true
  return getTransactionStatus.call(client) !== 'I'
}
