import { SpandrelError } from '../errors.ts'
import type { Loan } from './loan.ts'
import type { PgSender } from './pg-connection.ts'
import { statement } from './pg-statement.ts'
import type { PgResult, PgStatement } from './pg-types.ts'
import type { Connection } from './run-transaction.ts'

/**
 * What a handler gets as `tx`: `query` of a `pg` client. Statements that do not depend on each other need not be
 * awaited one by one; all of them have settled before the transaction commits, and one that failed rolls it back.
 */
export interface PgTransaction {
  query<Row = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<PgResult<Row>>
  query<Row = Record<string, unknown>>(statement: PgStatement): Promise<PgResult<Row>>
}

/** A handler's statements, which all pass through the loan. */
export function lentTransaction(loan: Loan, connection: Connection): PgTransaction {
  const sender = connection as Connection & PgSender
  return {
    query<Row>(what: string | PgStatement, values?: readonly unknown[]): Promise<PgResult<Row>> {
      const refusal = unfit(what, values, arguments.length)
      if (refusal !== undefined) return loan.refuse(refusal)
      const made = typeof what === 'string' ? statement(what, values, undefined) : what
      return loan.run(made.text, () => sender.issue(made)) as Promise<PgResult<Row>>
    },
  }
}

/** Cursors, streams and callbacks keep a statement open where nobody can see its end. */
function unfit(what: unknown, values: unknown, count: number): SpandrelError | undefined {
  const submittable = typeof what === 'object' && what !== null && 'submit' in what
  if (submittable || typeof values === 'function' || count > 2) {
    return new SpandrelError(
      'statement-failed',
      'cursors, query streams and callbacks are not supported on a handler’s transaction',
      {
        hint: 'use `await tx.query(text, values)`',
      },
    )
  }
  if (typeof what !== 'string' && typeof (what as PgStatement | undefined)?.text !== 'string') {
    return new SpandrelError('statement-failed', '`tx.query` needs a SQL text, or an object with `text`')
  }
  return undefined
}
