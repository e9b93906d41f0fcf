/** What a handler's failure means for its message: mechanics.md, "Attempt". */
import { isTransientFailure, sqlState } from '../database/failure.ts'
import { Outage, SpandrelError, Terminal } from '../errors.ts'
import type { Verdict } from './entry.ts'
import type { Operation } from './operation.ts'
import { messageOf } from './prepare.ts'

/** A handler that took longer than its contract allows. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime'
}

/**
 * - `nobody`: the database, a shutdown, a lost partition. Done again; nothing is counted.
 * - `outage`: what the handler depends on is down. The operation pauses; nothing is counted.
 * - `refused`: it tried in a shared transaction what needs one of its own.
 * - `attempt`: its own throw, or its time is up.
 */
export type Blame = 'nobody' | 'outage' | 'refused' | 'attempt'

export function blame(error: unknown): Blame {
  if (error instanceof Outage) return 'outage'
  if (error instanceof OutOfTime || error instanceof Terminal) return 'attempt'
  if (error instanceof SpandrelError) {
    if (error.code === 'lost-ownership') return 'nobody'
    if (error.code === 'shared-transaction-refused') return 'refused'
  }
  return isTransientFailure(error) ? 'nobody' : 'attempt'
}

/** An error that only says that some statement before it had failed. */
export function isVictim(error: unknown): boolean {
  return sqlState(error) === '25P02'
}

/** Characters of an error's text that are kept. */
const errorLimit = 2000

/** The verdict on a message whose handler has just failed, `attempts` included. */
export function judge<Tx>(operation: Operation<Tx>, attempts: number, error: unknown): Verdict {
  const text = textOf(error)
  const reason = reasonOf(error)
  const { retry } = operation.guarantees
  const allowed = retry === 'none' ? 1 : retry.attempts
  if (retry !== 'none' && attempts < allowed && !(error instanceof Terminal)) {
    return { kind: 'retry', attempts, delayMs: delayOf(retry, attempts), reason, error: text }
  }
  return lastVerdict(operation, attempts, reason, text)
}

/** A dead letter, or what the contract has in its place. */
export function lastVerdict<Tx>(operation: Operation<Tx>, attempts: number, reason: string, error: string): Verdict {
  if (operation.guarantees.deadLetter === 'none') {
    return { kind: 'discard', attempts, reason, error, actor: 'contract', expired: false }
  }
  return { kind: 'dead', attempts, reason, error }
}

/** Full jitter: anywhere between nothing and the step's delay, so that what failed together does not return together. */
function delayOf(retry: { backoff: string; delayMs: number; maxDelayMs: number }, attempts: number): number {
  const step =
    retry.backoff === 'exponential' ? 2 ** Math.min(attempts - 1, 40) : retry.backoff === 'linear' ? attempts : 1
  return Math.random() * Math.min(retry.delayMs * step, retry.maxDelayMs)
}

function reasonOf(error: unknown): string {
  if (error instanceof Terminal) return 'terminal'
  if (error instanceof OutOfTime || sqlState(error) === '57014') return 'timeout'
  if (error instanceof SpandrelError) return error.code
  return 'threw'
}

function textOf(error: unknown): string {
  const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : ''
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : ''
  return `${name}${messageOf(error)}${cause}`.slice(0, errorLimit).replaceAll('\u0000', '\ufffd')
}
