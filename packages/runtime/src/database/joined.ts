import { SpandrelError } from '../errors.ts'
import type { Joined, Query } from './database.ts'

/**
 * A caller's own transaction. Throws `wrong-configuration` where it is none: the database that the transaction is of has
 * the same methods, and a message sent through that one would leave also where the transaction rolls back.
 */
export function joined(isTransaction: boolean, what: { call: string; pass: string }, query: Query): Joined {
  if (isTransaction) return { query }
  throw new SpandrelError('wrong-configuration', `${what.call} was given something that is in no transaction`, {
    hint: `pass ${what.pass}: a message sent outside of it leaves also where it rolls back`,
  })
}
