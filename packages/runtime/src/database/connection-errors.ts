/**
 * A connection of `pg` that its server ends says so by an 'error' event, and one that nobody listens to ends the process
 * (FM55): while it is idle in its pool, in the moment between being opened and being taken, and between two statements.
 * What is broken is found out by the statement that fails. One listener for each pool and each connection, for good,
 * however many services share them.
 */
import type { PgPool } from './pg-types.ts'

interface Emitter {
  on?(event: 'error', listener: () => void): unknown
}

const heard = new WeakSet<object>()

export function hearErrors(emitter: Emitter): void {
  if (heard.has(emitter)) return
  heard.add(emitter)
  emitter.on?.('error', () => {})
}

export function hearPool(pool: PgPool): void {
  if (heard.has(pool)) return
  hearErrors(pool)
  pool.on('connect', hearErrors)
}
