/**
 * TypeORM (type `postgres`) as a service's database. `tx` in handlers is the transaction's `EntityManager`.
 *
 *   const source = await new DataSource({ type: 'postgres', url, entities }).initialize()
 *   createService(contract, { database: typeormDatabase(source), … })
 */
import { callbackDatabase, type DoorbellOptions, doorbellsOf } from './callback-database.ts'
import type { Database, Joined, Query } from './database.ts'
import { joined } from './joined.ts'
import { type QueryRunner, run, runnerOf, runOnItsOwn } from './typeorm-runner.ts'

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
  return callbackDatabase<Manager>(
    {
      begin: (work) => (source.manager as unknown as Transactions<Manager>).transaction(work),
      query: (tx, sql, values) =>
        tx === undefined ? runOnItsOwn(source, sql, values) : run(runnerOf(tx), sql, values),
    },
    doorbellsOf(options),
  )
}

/** Joins a transaction the caller began: `outbox.send(fromTypeorm(manager), …)` in `source.transaction(async (manager) => …)`. */
export function fromTypeorm(manager: object): Joined {
  const runner = runnerOf(manager)
  const what = { call: 'fromTypeorm()', pass: 'the manager that `dataSource.transaction()` hands to you' }
  return joined(runner.isTransactionActive, what, ((sql, values) => run(runner, sql, values)) as Query)
}
