import { SpandrelError } from '../errors.ts'
import type { QueryResult } from './database.ts'

/** What is needed of a `QueryRunner`, structurally. */
export interface QueryRunner<Manager> {
  readonly manager: Manager
  readonly isTransactionActive: boolean
  query(
    sql: string,
    values: unknown[] | undefined,
    structured: true,
  ): Promise<{ records?: unknown[]; affected?: number }>
  release(): Promise<void>
}

/** Of the transaction that this manager is of. */
export function runnerOf(manager: object): QueryRunner<unknown> {
  const { queryRunner } = manager as { queryRunner?: QueryRunner<unknown> }
  if (queryRunner !== undefined) return queryRunner
  throw new SpandrelError('wrong-configuration', 'this EntityManager is in no transaction', {
    hint: 'pass the one that `dataSource.transaction(async (manager) => …)` hands to you',
  })
}

export async function run(
  runner: QueryRunner<unknown>,
  sql: string,
  values: readonly unknown[] | undefined,
): Promise<QueryResult> {
  const { records = [], affected } = await runner.query(sql, values && [...values], true)
  return { rows: records as Record<string, unknown>[], rowCount: affected ?? null }
}

/** A statement on a connection that it has to itself. */
export async function runOnItsOwn(
  source: { createQueryRunner(): QueryRunner<unknown> },
  sql: string,
  values: readonly unknown[] | undefined,
): Promise<QueryResult> {
  const runner = source.createQueryRunner()
  try {
    return await run(runner, sql, values)
  } finally {
    await runner.release()
  }
}
