import { SpandrelError } from '../errors.ts'
import type { Database } from './database.ts'
import { type PgTransaction, pgDatabase } from './pg.ts'
import type { PgPool } from './pg-types.ts'

/** A database, or the bare `pg` pool of one. */
export type DatabaseLike<Tx = unknown> = Database<Tx> | PgPool

const wrapped = new WeakMap<PgPool, Database<PgTransaction>>()

/** Wraps a bare pool, once. */
export function asDatabase<Tx>(like: DatabaseLike<Tx>): Database<Tx> {
  if (like !== null && typeof like === 'object') {
    if ('transaction' in like) return like
    if ('connect' in like && 'query' in like) {
      const found = wrapped.get(like) ?? pgDatabase(like)
      wrapped.set(like, found)
      return found as Database<Tx>
    }
  }
  throw new SpandrelError('wrong-configuration', '`database` is neither a pg pool nor a database adapter', {
    hint: 'pass a pg.Pool, pgDatabase(pool), kyselyDatabase(db, { pool }), drizzleDatabase(db) …: docs/databases.md',
  })
}
