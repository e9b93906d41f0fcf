/** Knows whether code runs inside a handler's transaction, where no other service may be called (law 2). */
import { AsyncLocalStorage } from 'node:async_hooks'
import { SpandrelError } from '../errors.ts'

const inside = new AsyncLocalStorage<string>()

/** Runs a handler that has a transaction open; `where` names it in the error. */
export function inTransaction<R>(where: string, work: () => R): R {
  return inside.run(where, work)
}

/** Throws `call-in-transaction` where a transaction is open around the caller. */
export function refuseInTransaction(ref: string): void {
  const where = inside.getStore()
  if (where === undefined) return
  throw new SpandrelError('call-in-transaction', `${ref} was called inside the transaction of ${where}`, {
    hint: 'call it in `before` (operations) or `act` (receives), and use its result in the handler',
  })
}
