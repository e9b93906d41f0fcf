import { expect, test } from 'vitest'
import { testDatabase } from './postgres.ts'

test('a test file gets a database of its own on a real server', async () => {
  const { pool, name } = await testDatabase()
  const { rows } = await pool.query('select current_database() as name, current_setting($1)::int as version', [
    'server_version_num',
  ])
  expect(rows[0].name).toBe(name)
  expect(rows[0].version).toBeGreaterThanOrEqual(140_000)
})
