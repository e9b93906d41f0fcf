/** Settings of a library that change what an answer looks like must not reach our own statements. */
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { quietLogger } from '../../test/consuming.ts'
import { sender } from '../../test/outbox-contract.ts'
import { OutboxState } from '../outbox/relay-state.ts'
import { checkMigrated, migrateService } from '../schema/migrate.ts'
import { registrationOf } from '../schema/registration.ts'
import { drizzleDatabase } from './drizzle.ts'
import { postgresJsDatabase } from './postgres-js.ts'

test.each([
  ['camel', postgres.camel],
  ['pascal', postgres.pascal],
  ['kebab', postgres.kebab],
])('postgres.js that renames columns: %s', async (_, transform) => {
  const { url } = await testDatabase()
  const sql = postgres(url, { max: 2, transform })
  const database = postgresJsDatabase(sql)
  const row = { pid: 1, dead_at: 2, a_long_name: 3, n2: 4 }
  const text = 'select 1 as pid, 2 as dead_at, 3 as a_long_name, 4 as n2'
  expect((await database.query(text)).rows).toEqual([row])
  expect((await database.transaction((open) => open.query(text))).rows).toEqual([row])
  expect(await database.transaction((open) => open.backend())).toBeTypeOf('number')
  await sql.end()
})

test('a driver that leaves JSON, dates and large numbers as they came', async () => {
  const { url, pool: admin } = await testDatabase()
  await migrateService(admin, registrationOf(sender))
  const parsed = pg.types
  const types = { getTypeParser: (oid: number) => (oid === 23 || oid === 16 ? parsed.getTypeParser(oid) : String) }
  const pool = new pg.Pool({ connectionString: url, types: types as unknown as pg.CustomTypesConfig })
  const database = drizzleDatabase(drizzle({ client: pool }))
  await checkMigrated(database, sender.service)
  const idle = await admin.connect()
  await idle.query('begin; select pg_current_xact_id()')
  const state = new OutboxState()
  await state.look(database.query, quietLogger())
  expect(state.gauges['oldestTransactionPid']).toBeTypeOf('number')
  idle.release(true)
  await pool.end()
})
