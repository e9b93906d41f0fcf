import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Kysely,
  type KyselyProps,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult as KyselyResult,
  Transaction,
} from 'kysely'
import { SpandrelError } from '../errors.ts'
import type { QueryResult } from './database.ts'
import type { Loan } from './loan.ts'
import type { Connection } from './run-transaction.ts'

/** A transaction object whose statements all pass through the loan, compiled and transformed as `db` would. */
export function lentTransaction<DB>(db: Kysely<DB>, loan: Loan, connection: Connection): Transaction<DB> {
  const guarded: DatabaseConnection = {
    executeQuery: async <R>(query: CompiledQuery): Promise<KyselyResult<R>> =>
      toKyselyResult(await loan.run(query.sql, () => connection.send(query.sql, query.parameters, false))),
    streamQuery<R>(): AsyncIterableIterator<KyselyResult<R>> {
      const refused = new SpandrelError(
        'statement-failed',
        'streamed queries are not supported on a handler’s transaction',
        {
          hint: 'use `execute()`, with a limit',
        },
      )
      loan.refuse(refused).catch(() => {})
      throw refused
    },
  }
  const executor = db.getExecutor().withConnectionProvider({ provideConnection: (consumer) => consumer(guarded) })
  // Only `introspection` looks at the dialect; `destroy` and `transaction` are refused by Transaction itself.
  return new Transaction<DB>({ config: { dialect }, dialect, driver: {} as KyselyProps['driver'], executor })
}

const dialect: Dialect = {
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => {
    throw new SpandrelError('wrong-configuration', 'a handler’s transaction has no driver of its own')
  },
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
}

const counted = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

function toKyselyResult<R>(result: QueryResult): KyselyResult<R> {
  const rows = result.rows as R[]
  const changes = result.rowCount !== null && (result.command === undefined || counted.has(result.command))
  return changes ? { rows, numAffectedRows: BigInt(result.rowCount ?? 0) } : { rows }
}
