/** The databases of `dev`: one a service and one for the stream, on the embedded server or on one that was given. */
import { join } from 'node:path'
import type { System } from '@spandrel/contract'
import pg from 'pg'
import { type EmbeddedPostgres, startPostgres } from '../embedded/index.ts'
import { CommandError } from '../output/command-error.ts'
import { shown } from '../system/find-config.ts'
import { withoutPassword } from '../system/database-url.ts'
import type { Places } from './dev-plan.ts'
import { stateFolder } from './state-file.ts'

export interface DevServer extends Places {
  /** what stands in the summary */
  readonly where: string
  /** those of services, of the stream, and of the gateway where it keeps keys */
  create(services: readonly string[], options: { gateway: boolean }): Promise<void>
  close(): Promise<void>
}

export async function openServer(
  system: System,
  options: { postgres?: string | undefined; crashed: (log: string, again: Promise<void>) => void },
): Promise<DevServer> {
  let embedded: EmbeddedPostgres | undefined
  if (options.postgres === undefined) {
    try {
      embedded = await startPostgres({
        directory: join(stateFolder(system.dir), 'postgres'),
        // A crash of this machine may cost development data; a crash of any process does not.
        settings: { fsync: 'off' },
        onCrash: (log) => {
          if (embedded !== undefined) options.crashed(log, startAgain(embedded))
        },
      })
    } catch (cause) {
      throw new CommandError(`the embedded PostgreSQL did not start: ${(cause as Error).message}`, {
        where: join(stateFolder(system.dir), 'postgres'),
        fix: 'correct that, or use a server of your own: --postgres postgres://user@host:5432/postgres',
        cause,
      })
    }
  }
  const admin = embedded?.url() ?? options.postgres ?? ''
  if (!/^postgres(?:ql)?:\/\//.test(admin) || !URL.canParse(admin)) {
    throw new CommandError('this is no Postgres connection string', {
      where: '--postgres',
      fix: 'write it as postgres://user@host:5432/postgres',
    })
  }
  const on = (name: string): string => {
    const url = new URL(admin)
    url.pathname = `/${encodeURIComponent(name)}`
    return url.href
  }
  const nameOf = (part: string): string =>
    `${system.name}_${part}`
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '_')
      .slice(0, 63)
  // A service may be called `stream` or `gateway`; its database is then another one.
  const ownName = (name: string): string => nameOf(Object.hasOwn(system.services, name) ? `spandrel_${name}` : name)
  const stream = ownName('stream')
  const gateway = ownName('gateway')
  return {
    where:
      embedded === undefined
        ? withoutPassword(admin)
        : `${embedded.url('').replace(/\/$/, '')} (${shown(embedded.directory)})`,
    database: (service) => on(nameOf(service)),
    transport: on(stream),
    gateway: on(gateway),
    create: (services, options) =>
      createDatabases(admin, [stream, ...(options.gateway ? [gateway] : []), ...services.map(nameOf)]),
    close: async () => embedded?.close(),
  }
}

/** What is left of a server that was killed may take a moment to go. */
async function startAgain(server: EmbeddedPostgres): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await server.start()
    } catch (error) {
      if (tries === 10) throw error
      await new Promise((resolve) => setTimeout(resolve, 100 * tries))
    }
  }
}

async function createDatabases(admin: string, names: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: admin, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where datname = any($1)',
      [names],
    )
    const there = new Set(rows.map((row) => row.datname))
    for (const name of new Set(names)) {
      if (there.has(name)) continue
      // template0 cannot have anybody connected to it, so nobody can be in the way.
      await client.query(`create database ${pg.escapeIdentifier(name)} template template0`)
    }
  } catch (cause) {
    throw new CommandError(`the databases could not be made: ${(cause as Error).message}`, {
      where: withoutPassword(admin),
      fix: 'check that the server runs and that its user may create databases',
      cause,
    })
  } finally {
    await client.end().catch(() => {})
  }
}
