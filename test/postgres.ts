/**
 * One embedded Postgres a test run (vitest's globalSetup). A test file takes databases from it:
 *
 *   const database = await testDatabase()          // an empty one, dropped when the file is done
 *   const copy = await testDatabase({ template })  // a copy of one that was prepared before
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../packages/cli/src/embedded/index.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgres: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // fsync stays off: these tests kill our processes, not the machine. Files that stop the server start their own.
  const server = await startPostgres({ settings: { fsync: 'off', max_connections: '500' } })
  project.provide('postgres', server.url())
  return () => server.close()
}

export interface TestDatabase {
  url: string
  name: string
  pool: pg.Pool
}

/** A database of this file's own, with a pool that is closed with it. */
export async function testDatabase(options: { template?: TestDatabase; max?: number } = {}): Promise<TestDatabase> {
  const admin = inject('postgres')
  const name = `t_${randomBytes(6).toString('hex')}`
  const client = new pg.Client(admin)
  await client.connect()
  await client.query(`create database ${name}${options.template ? ` template ${options.template.name}` : ''}`)
  await client.end()
  const url = new URL(admin)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: options.max ?? 10 })
  pool.on('error', () => {})
  afterAll(async () => {
    await pool.end().catch(() => {})
    const last = new pg.Client(admin)
    await last.connect()
    await last.query(`drop database if exists ${name} with (force)`)
    await last.end()
  })
  return { url: url.href, name, pool }
}
