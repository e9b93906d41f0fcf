/**
 * TypeORM (type `postgres`) as a service's database. `tx` in handlers is the transaction's `EntityManager`.
 *
 *   const source = await new DataSource({ type: 'postgres', url, entities }).initialize()
 *   createService(contract, { database: typeormDatabase(source), … })
 */
import { SpandrelError } from '../errors.ts'
import { callbackDatabase, type DoorbellOptions, doorbellsOf } from './callback-database.ts'
import type { Database, Joined, QueryResult } from './database.ts'

/** What is needed of a `QueryRunner`, structurally. */
interface QueryRunner<Manager> {
  readonly manager: Manager
  query(
    sql: string,
    values: unknown[] | undefined,
    structured: true,
  ): Promise<{ records?: unknown[]; affected?: number }>
  release(): Promise<void>
}

interface Transactions<Manager> {
  transaction(work: (manager: Manager) => Promise<void>): Promise<void>
}

/** What is needed of a `DataSource`, structurally. */
export interface TypeormDataSource<Manager> {
  readonly manager: Manager
  createQueryRunner(): QueryRunner<Manager>
}

export type TypeormDatabaseOptions = DoorbellOptions

/** A `DataSource` as a database. It stays the caller's: it is not destroyed here. */
export function typeormDatabase<Manager extends object>(
  source: TypeormDataSource<Manager>,
  options: TypeormDatabaseOptions = {},
): Database<Manager> {
  const withRunner = async <T>(use: (runner: QueryRunner<Manager>) => Promise<T>): Promise<T> => {
    const runner = source.createQueryRunner()
    try {
      return await use(runner)
    } finally {
      await runner.release()
    }
  }
  return callbackDatabase<Manager>(
    {
      begin: (work) => (source.manager as unknown as Transactions<Manager>).transaction(work),
      query: (tx, sql, values) =>
        tx === undefined ? withRunner((runner) => run(runner, sql, values)) : run(runnerOf(tx), sql, values),
    },
    doorbellsOf(options),
  )
}

/** Joins a transaction the caller began: `outbox.send(fromTypeorm(manager), …)` in `source.transaction(async (manager) => …)`. */
export function fromTypeorm(manager: object): Joined {
  return { query: (sql, values) => run(runnerOf(manager), sql, values) } as Joined
}

function runnerOf(manager: object): QueryRunner<unknown> {
  const { queryRunner } = manager as { queryRunner?: QueryRunner<unknown> }
  if (queryRunner !== undefined) return queryRunner
  throw new SpandrelError('wrong-configuration', 'this EntityManager is in no transaction', {
    hint: 'pass the one that `dataSource.transaction(async (manager) => …)` hands to you',
  })
}

async function run(
  runner: QueryRunner<unknown>,
  sql: string,
  values: readonly unknown[] | undefined,
): Promise<QueryResult> {
  const { records = [], affected } = await runner.query(sql, values && [...values], true)
  return { rows: records as Record<string, unknown>[], rowCount: affected ?? null }
}
