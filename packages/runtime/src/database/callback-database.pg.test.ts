/** What a COMMIT proves where the library does not pass the server's answer on: faults put between it and the server. */
import knex, { type Knex } from 'knex'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { type CallbackDriver, callbackDatabase } from './callback-database.ts'
import type { Database } from './database.ts'
import { isCommitUnknown } from './failure.ts'
import { through } from './pg-statement.ts'
import type { PgQueryable } from './pg-types.ts'

const { url, pool: admin } = await testDatabase()
const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
beforeAll(async () => {
  await admin.query('create table t (word text)')
})
beforeEach(async () => {
  await admin.query('truncate t')
})
afterAll(() => db.destroy())

/** Knex, with something put before its COMMIT, or before the statements that run outside of a transaction. */
function faulty(faults: {
  beforeCommit?: (tx: Knex.Transaction) => Promise<unknown>
  outside?: (sql: string) => void
}): Database<Knex.Transaction> {
  const driver: CallbackDriver<Knex.Transaction> = {
    begin: (work) =>
      db.transaction(async (tx) => {
        await work(tx)
        await faults.beforeCommit?.(tx)
      }),
    async query(tx, sql, values) {
      if (tx === undefined) faults.outside?.(sql)
      const client = (tx ?? db).client as Knex.Client
      const connection = (await client.acquireConnection()) as PgQueryable
      return through(connection)(sql, values).finally(() => client.releaseConnection(connection))
    },
  }
  return callbackDatabase(driver)
}

const insert = (database: Database<Knex.Transaction>): Promise<unknown> =>
  database.transaction((open) => open.query('insert into t values ($1)', ['a']))
const rows = async (): Promise<number> => (await admin.query('select from t')).rowCount ?? 0

test('a COMMIT that the server answered with ROLLBACK has failed', async () => {
  let aborted = 0
  const database = faulty({
    beforeCommit: (tx) => tx.raw('select 1 / 0').catch(() => aborted++),
  })
  await expect(insert(database)).rejects.toMatchObject({ code: 'statement-failed' })
  expect({ aborted, rows: await rows() }).toEqual({ aborted: 1, rows: 0 })
})

test('a COMMIT that nobody can ask about is unknown, not failed', async () => {
  const asked: string[] = []
  const database = faulty({
    outside(sql) {
      asked.push(sql)
      throw Object.assign(new Error('sorry, too many clients already'), { code: '53300' })
    },
  })
  const error: unknown = await insert(database).catch((thrown: unknown) => thrown)
  expect(isCommitUnknown(error)).toBe(true)
  expect({ asked: asked.length, rows: await rows() }).toEqual({ asked: 1, rows: 1 })
})
