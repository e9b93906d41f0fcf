/**
 * One Postgres a test run (vitest's globalSetup), the embedded one unless the environment names another (server.ts). A
 * test file takes databases from it:
 *
 *   const database = await testDatabase()          // an empty one, dropped when the file is done
 *   const copy = await testDatabase({ template })  // a copy of one that was prepared before
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { makeTemporaryDirectory } from '../packages/cli/src/embedded/index.ts'
import { startTestServer, type TestServer } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** of the superuser */
    postgres: string
    /** how tests reach the databases they take */
    databases: Pick<TestServer, 'through' | 'direct' | 'role'>
  }
}

/** Where processes that tests start find their compiled modules: 0.3 s instead of 1.3 s to load ours from source. */
const compileCache = fileURLToPath(new URL('../node_modules/.cache/spandrel-tests', import.meta.url))

/** A process writes the cache when it exits well; most of those that tests start are killed. */
async function fillCompileCache(): Promise<void> {
  const modules = ['runtime/src/index.ts', 'gateway/src/index.ts', 'cli/src/program.ts'].map(
    (path) => new URL(`../packages/${path}`, import.meta.url).href,
  )
  const script = modules.map((href) => `await import(${JSON.stringify(href)})`).join('\n')
  const conditions = ['--conditions=spandrel-test', '--conditions=spandrel-source']
  await promisify(execFile)(process.execPath, [...conditions, '--input-type=module', '--eval', script])
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env['NODE_COMPILE_CACHE'] ??= compileCache
  await fillCompileCache()
  // Files that stop the server start their own.
  const server = await startTestServer()
  project.provide('postgres', server.admin)
  const { through, direct, role } = server
  project.provide('databases', { through, direct, role })
  // What the files of a run share.
  const scratch = await makeTemporaryDirectory('spandrel-tests-')
  process.env['SPANDREL_TEST_SCRATCH'] = scratch.path
  return async () => {
    await server.close()
    await scratch.remove()
  }
}

export interface TestDatabase {
  url: string
  /** the same as superuser, past any pooler: for what a service may not do */
  superuser: string
  name: string
  pool: pg.Pool
  /** for `pgDatabase(pool, doorbells)`: behind a pooler only what is past it hears them */
  doorbells: { listen?: pg.Pool }
}

/** A database of this file's own, with a pool that is closed with it. */
export async function testDatabase(options: { template?: TestDatabase; max?: number } = {}): Promise<TestDatabase> {
  const admin = inject('postgres')
  const { through, direct, role } = inject('databases')
  const name = `t_${randomBytes(6).toString('hex')}`
  const client = new pg.Client(admin)
  await client.connect()
  const { template } = options
  if (template !== undefined) {
    // Nobody may be connected to what is copied; a pooler stays when its clients have gone.
    await client.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [
      template.name,
    ])
  }
  await client.query(`create database ${name}${template ? ` template ${template.name}` : ''}`)
  if (role !== '') await client.query(`grant create on database ${name} to ${role}`)
  await client.end()
  const at = (server: string): string => Object.assign(new URL(server), { pathname: `/${name}` }).href
  const [url, superuser] = [at(through), at(admin)]
  const pool = new pg.Pool({ connectionString: url, max: options.max ?? 10 })
  const doorbells: TestDatabase['doorbells'] =
    direct === through ? {} : { listen: new pg.Pool({ connectionString: at(direct), max: 2 }) }
  for (const one of [pool, doorbells.listen]) one?.on('error', () => {})
  afterAll(async () => {
    for (const one of [pool, doorbells.listen]) await one?.end().catch(() => {})
    const last = new pg.Client(admin)
    await last.connect()
    await last.query(`drop database if exists ${name} with (force)`)
    await last.end()
  })
  return { url, superuser, name, pool, doorbells }
}
