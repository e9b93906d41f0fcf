/**
 * Spandrel's own tables: `spandrel` in each service's database, `spandrel_stream` where the postgres transport keeps
 * its log, `spandrel_gateway` where a gateway keeps key records. Applied by `spandrel migrate`, in one transaction under
 * a lock; a service only checks.
 *
 *   not migrated ──migrateService──▶ migrated ──a newer Spandrel migrates──▶ newer: works, unless past a breaking one
 */
import type { Database, Query } from '../database/database.ts'
import { sqlState } from '../database/failure.ts'
import { asDatabase, type DatabaseLike } from '../database/as-database.ts'
import { SpandrelError } from '../errors.ts'
import {
  bootstrapSql,
  literal,
  type Migration,
  migrations,
  migrationStep,
  type SchemaKind,
  schemaName,
} from './migrations.ts'
import {
  type ChannelRegistration,
  type ServiceRegistration,
  serviceRegistrationSql,
  type StreamRegistration,
  streamRegistrationSql,
} from './registration.ts'

export interface MigrationReport {
  /** what was applied now: `service 1 first` */
  applied: readonly string[]
  /** subscriptions of this service that no contract has any more; they hold the log back until they are removed */
  stale: readonly string[]
}

/** Creates or updates schema `spandrel` and writes the service's channels and subscriptions. Idempotent. */
export async function migrateService(
  database: DatabaseLike,
  registration: ServiceRegistration,
): Promise<MigrationReport> {
  return withDatabase(database, 'service', async (query, applied) => {
    const { rows } = await query<{ name: string }>('select name from spandrel.service')
    const registered = rows[0]?.name
    if (registered !== undefined && registered !== registration.service) throw takenBy(registration.service, registered)
    await refuseRepartition(query, 'spandrel.channels', registration.channels)
    await query(serviceRegistrationSql(registration))
    const names = registration.subscriptions.map(({ name }) => name)
    const stale = await query<{ name: string }>(
      'select name from spandrel.subscriptions where name <> all ($1::text[]) order by name',
      [names],
    )
    return { applied, stale: stale.rows.map(({ name }) => name) }
  })
}

/** Creates or updates schema `spandrel_stream` and registers channels and subscriptions. Idempotent. */
export async function migrateStream(
  database: DatabaseLike,
  registration: StreamRegistration,
): Promise<MigrationReport> {
  return withDatabase(database, 'stream', async (query, applied) => {
    await refuseRepartition(query, 'spandrel_stream.channels', registration.channels)
    await query(streamRegistrationSql(registration))
    const names = registration.subscriptions.map(({ name }) => name)
    const services = [...new Set(names.map((name) => name.slice(0, name.indexOf(':'))))]
    const stale = await query<{ name: string }>(
      `select distinct name from spandrel_stream.subscriptions
       where split_part(name, ':', 1) = any ($1::text[]) and name <> all ($2::text[]) order by name`,
      [services, names],
    )
    return { applied, stale: stale.rows.map(({ name }) => name) }
  })
}

/** Creates or updates schema `spandrel_gateway`: the key records of a gateway. Idempotent. */
export async function migrateGateway(database: DatabaseLike): Promise<MigrationReport> {
  return withDatabase(database, 'gateway', (_query, applied) => Promise.resolve({ applied, stale: [] }))
}

/** The same as text, for an operator who applies it by other means. `from`: the number applied last. */
export function migrationSql(options: {
  service?: ServiceRegistration
  stream?: StreamRegistration
  gateway?: boolean
  from?: { service?: number; stream?: number; gateway?: number }
}): string {
  const parts: string[] = []
  for (const kind of ['service', 'stream', 'gateway'] as const) {
    if (options[kind] === undefined || options[kind] === false) continue
    const from = options.from?.[kind] ?? 0
    parts.push('begin;', lockSql(kind), bootstrapSql(kind).trimEnd())
    for (const migration of migrations(kind))
      if (migration.number > from) parts.push(migrationStep(kind, migration).trimEnd())
    if (options.service !== undefined && kind === 'service') {
      const { service } = options.service
      parts.push(
        `do $$ begin
  if exists (select 1 from spandrel.service where name <> ${literal(service)}) then
    raise exception 'this schema belongs to another service';
  end if;
end $$;`,
        serviceRegistrationSql(options.service).trimEnd(),
      )
    }
    if (options.stream !== undefined && kind === 'stream') parts.push(streamRegistrationSql(options.stream).trimEnd())
    parts.push('commit;\n')
  }
  return parts.join('\n')
}

/** Throws `database-not-migrated` or `unknown-service`, with the command to run. One statement. */
export async function checkMigrated(database: DatabaseLike, service: string): Promise<void> {
  const { query } = asDatabase(database)
  const state = await readState(query, 'service', 'select name from spandrel.service')
  if (state === undefined) throw notMigrated(`the database of service ${service} has no schema spandrel`)
  judge('service', state.applied, `the database of service ${service}`)
  if (state.name === null) throw notMigrated(`the database of service ${service} is registered for no service`)
  if (state.name !== service) throw takenBy(service, state.name)
}

/** The same for the postgres transport's database. */
export async function checkStream(database: DatabaseLike): Promise<void> {
  const { query } = asDatabase(database)
  const state = await readState(query, 'stream', 'select null::text')
  if (state === undefined) throw notMigrated('the database of the postgres transport has no schema spandrel_stream')
  judge('stream', state.applied, 'the database of the postgres transport')
}

/** The same for a gateway's database. */
export async function checkGateway(database: DatabaseLike): Promise<void> {
  const { query } = asDatabase(database)
  const state = await readState(query, 'gateway', 'select null::text')
  if (state === undefined) throw notMigrated('the database of the gateway has no schema spandrel_gateway', 'gateway')
  judge('gateway', state.applied, 'the database of the gateway')
}

interface Applied {
  number: number
  name: string
  breaking: boolean
}

async function readState(
  query: Query,
  kind: SchemaKind,
  name: string,
): Promise<{ applied: Applied[]; name: string | null } | undefined> {
  try {
    const { rows } = await query<{ applied: string | null; name: string | null }>(
      `select (select json_agg(json_build_object('number', number, 'name', name, 'breaking', breaking))::text
        from ${schemaName[kind]}.migrations) as applied, (${name}) as name`,
    )
    const row = rows[0]
    return row === undefined ? undefined : { applied: JSON.parse(row.applied ?? '[]') as Applied[], name: row.name }
  } catch (error) {
    // no such schema, no such table
    if (sqlState(error) === '3F000' || sqlState(error) === '42P01') return undefined
    throw error
  }
}

function judge(kind: SchemaKind, applied: readonly Applied[], where: string): void {
  const known = migrations(kind)
  const newest = known.at(-1)?.number ?? 0
  const missing = known.filter(({ number }) => !applied.some((one) => one.number === number))
  if (missing.length > 0) throw notMigrated(`${where} lacks migration ${missing.map(label).join(', ')}`, kind)
  const tooNew = applied.find(({ number, breaking }) => breaking && number > newest)
  if (tooNew !== undefined) {
    throw new SpandrelError(
      'database-not-migrated',
      `${where} is past migration ${label(tooNew)}, which breaks this version of Spandrel`,
      {
        hint: 'update @spandrel/runtime here to the version that migrated it',
      },
    )
  }
}

async function withDatabase(
  like: DatabaseLike,
  kind: SchemaKind,
  register: (query: Query, applied: string[]) => Promise<MigrationReport>,
): Promise<MigrationReport> {
  const database: Database = asDatabase(like)
  return database.transaction(async ({ query }) => {
    await query(lockSql(kind))
    await query(bootstrapSql(kind))
    const { rows } = await query<{ number: number; checksum: string; name: string; breaking: boolean }>(
      `select number, name, checksum, breaking from ${schemaName[kind]}.migrations`,
    )
    refuseChanged(kind, rows)
    judgeNewer(kind, rows)
    const applied: string[] = []
    for (const migration of migrations(kind)) {
      if (rows.some(({ number }) => number === migration.number)) continue
      await query(migrationStep(kind, migration))
      applied.push(`${kind} ${label(migration)}`)
    }
    return register(query, applied)
  })
}

/** Two at once wait for each other; the lock ends with the transaction. */
function lockSql(kind: SchemaKind): string {
  return `select pg_advisory_xact_lock(hashtextextended('spandrel migrate ${kind}', 0));`
}

function judgeNewer(kind: SchemaKind, rows: readonly Applied[]): void {
  const newest = migrations(kind).at(-1)?.number ?? 0
  const tooNew = rows.find(({ number, breaking }) => breaking && number > newest)
  if (tooNew === undefined) return
  throw new SpandrelError(
    'database-not-migrated',
    `schema ${schemaName[kind]} is past migration ${label(tooNew)}, which this version does not know`,
    {
      hint: 'migrate with the newer version',
    },
  )
}

function refuseChanged(kind: SchemaKind, rows: readonly { number: number; checksum: string }[]): void {
  for (const { number, checksum } of rows) {
    const own = migrations(kind).find((one) => one.number === number)
    if (own !== undefined && own.checksum !== checksum) {
      throw new SpandrelError(
        'database-not-migrated',
        `migration ${label(own)} of ${schemaName[kind]} was applied with another text (${checksum})`,
        {
          hint: 'the schema was made by an unreleased version: make the database again',
        },
      )
    }
  }
}

async function refuseRepartition(query: Query, table: string, channels: readonly ChannelRegistration[]): Promise<void> {
  const { rows } = await query<{ address: string; partitions: number }>(`select address, partitions from ${table}`)
  for (const { address, partitions } of channels) {
    const before = rows.find((row) => row.address === address)
    if (before === undefined || before.partitions === partitions) continue
    throw new SpandrelError(
      'wrong-configuration',
      `channel ${address} has ${before.partitions} partitions and its contract says ${partitions}: the number is fixed, because another one would move keys between partitions and break their order`,
      { hint: `set it back to ${before.partitions}, or send to a new channel and drain this one` },
    )
  }
}

function label({ number, name }: Pick<Migration, 'number' | 'name'>): string {
  return `${number} ${name}`
}

function notMigrated(what: string, kind?: SchemaKind): SpandrelError {
  const command = kind === 'gateway' ? 'spandrel migrate --gateway' : 'spandrel migrate'
  return new SpandrelError('database-not-migrated', what, { hint: `run \`${command}\`` })
}

function takenBy(service: string, registered: string): SpandrelError {
  return new SpandrelError('unknown-service', `this database belongs to service ${registered}, not to ${service}`, {
    hint: 'give each service a database of its own; two in one schema would lose each other’s messages',
  })
}
