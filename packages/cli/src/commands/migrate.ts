import { Option } from 'commander'
import { gatewayKeepsKeys, type System } from '@spandrel/contract'
import { migrationSql } from '@spandrel/runtime/operate'
import { CommandError } from '../output/command-error.ts'
import { command, type CommonOptions } from '../program.ts'
import { Databases, gatewayDatabaseFix, withoutPassword } from '../system/database-url.ts'
import { shown } from '../system/find-config.ts'
import { migrateDatabases, type MigrationTargets } from '../system/migrate-databases.ts'
import { chooseServices, openSystem } from '../system/open-system.ts'
import { hasTables, serviceRegistration, streamRegistration } from '../system/registrations.ts'

interface MigrateOptions extends CommonOptions {
  service?: string[]
  database?: string
  gateway?: boolean
  sql?: boolean
}

export const migrate = command<MigrateOptions>({
  usage: 'migrate',
  summary: "bring Spandrel's own tables up to date",
  description:
    "Creates or updates Spandrel's own schema in the database of each service, of the stream, and of the gateway where " +
    'it keeps keys, and registers channels and subscriptions. Your own tables are not touched. Safe to run again, and from several places at once.',
  options: [
    new Option('--service <names>', 'these services only, separated by commas').argParser(names),
    new Option('--gateway', "the gateway's key records only").conflicts('service'),
    new Option('--database <url>', 'the database of the one service named by --service, or of --gateway; nothing else'),
    new Option('--sql', 'print the SQL instead of running it'),
  ],
  examples: [
    ['migrate', 'all services and the stream'],
    ['migrate --service orders --database postgres://me@db/orders', 'one service'],
    ['migrate --sql > spandrel.sql', 'for whoever applies it by other means'],
  ],
  async run(options, _args, output) {
    const system = await openSystem(options.config)
    const services = options.gateway === true ? [] : concerned(system, options)
    const keepsKeys = options.service === undefined && gatewayKeepsKeys(system)
    if (options.sql === true) {
      const parts = services.map((name) => ({ database: name, sql: sqlOf(system, name) }))
      if (options.database === undefined && options.gateway !== true)
        parts.push({ database: 'stream', sql: migrationSql({ stream: streamRegistration(system) }) })
      if (keepsKeys) parts.push({ database: 'gateway', sql: migrationSql({ gateway: true }) })
      output.document({ databases: parts })
      for (const { database, sql } of parts)
        output.line(`-- ${titles[database] ?? `the database of ${database}`}\n${sql.trimEnd()}\n`)
      return 0
    }
    const targets = await targetsOf(system, services, { ...options, keepsKeys })
    const all = [...targets.services, targets.stream, targets.gateway].filter((one) => one !== undefined)
    const width = Math.max(...all.map((one) => one.service.length))
    output.progress(`migrating ${all.length} databases`)
    const migrated = await migrateDatabases(system, targets, {
      done({ database, applied, stale }) {
        const state =
          applied.length === 0
            ? output.paint('dim', 'up to date')
            : output.paint('green', `applied ${applied.join(', ')}`)
        output.line(`${database.padEnd(width)}  ${state}`)
        for (const name of stale)
          output.warn(
            `${database} has a subscription that no contract names: ${name}. While it is there its messages are kept.`,
          )
      },
    })
    output.document({
      databases: migrated.map((one) => {
        const found = all.find((target) => target.service === one.database)
        return { ...one, url: withoutPassword(found?.url ?? ''), from: found?.from }
      }),
    })
    if (keepsKeys && targets.gateway === undefined) {
      output.warn(`the database of the gateway is not known, so it cannot keep keys; ${gatewayDatabaseFix}`)
    }
    if (targets.stream === undefined && options.database === undefined && options.gateway !== true) {
      output.warn(
        'the database of the stream is not known, so subscriptions were not registered there; set SPANDREL_TRANSPORT_URL',
      )
    }
    return 0
  },
})

const titles: Readonly<Record<string, string>> = { stream: 'the stream', gateway: 'the key records of the gateway' }

function concerned(system: System, options: MigrateOptions): string[] {
  const chosen = chooseServices(system, options.service, '--service')
  if (options.database !== undefined && options.service?.length !== 1) {
    throw new CommandError('--database names the database of one service', {
      where: '--database',
      fix: 'add --service with its name, or --gateway',
    })
  }
  const services = chosen.filter((name) => system.services[name] !== undefined && hasTables(system.services[name]))
  if (services.length > 0 || (options.service === undefined && gatewayKeepsKeys(system))) return services
  throw new CommandError('there is nothing to migrate: no service chosen sends, receives, or keeps keys', {
    where: shown(system.file),
    fix: 'give a service contracts, and `keys: service` if it keeps its own key records',
  })
}

async function targetsOf(
  system: System,
  services: readonly string[],
  { database, gateway: only = false, keepsKeys }: { database?: string; gateway?: boolean; keepsKeys: boolean },
): Promise<MigrationTargets> {
  const databases = await Databases.of(system, { database })
  const alone = services.length === 1
  const found = services.map((name) => databases.require(name, { alone }))
  const stream = database === undefined && !only ? databases.stream() : undefined
  const gateway = keepsKeys ? databases.gateway({ alone: only }) : undefined
  if (only && gateway === undefined) {
    throw new CommandError(
      keepsKeys ? 'no database is known for the gateway' : 'the gateway keeps no keys: there is nothing to migrate',
      {
        where: shown(system.file),
        fix: keepsKeys
          ? gatewayDatabaseFix
          : 'it keeps them for services with `keys: gateway` that have an operation with a key',
      },
    )
  }
  return { services: found, stream, gateway }
}

function sqlOf(system: System, name: string): string {
  const service = system.services[name]
  return service === undefined ? '' : migrationSql({ service: serviceRegistration(system, service) })
}

function names(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
