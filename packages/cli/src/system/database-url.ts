/** Which databases a command works on, and how they were found. */
import type { System } from '@spandrel/contract'
import { type DevState, runningDev } from '../dev/state-file.ts'
import { CommandError } from '../output/command-error.ts'
import { shown } from './find-config.ts'
import { contractPackage } from './open-system.ts'
import { hasTables } from './registrations.ts'

export interface FoundDatabase {
  /** its name, `stream`, or `gateway` */
  service: string
  url: string
  /** `--database`, `ORDERS_DATABASE_URL`, `spandrel dev`, `spandrel.yaml`, `DATABASE_URL` */
  from: string
}

export const gatewayDatabaseFix = 'set GATEWAY_DATABASE_URL, or `gateway.database` in spandrel.yaml'

/** `ORDERS` of `orders`: the beginning of a service's own environment variables. */
export function variable(service: string, suffix: string): string {
  return `${service.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_${suffix}`
}

/**
 * In this order: what the command line says, the service's own variable, a running `spandrel dev`, spandrel.yaml, and
 * DATABASE_URL where only one service is meant (with several it would point them all at one database).
 */
export class Databases {
  readonly #system: System
  readonly #dev: DevState | undefined
  readonly #env: NodeJS.ProcessEnv
  readonly #given: string | undefined

  private constructor(system: System, dev: DevState | undefined, env: NodeJS.ProcessEnv, given: string | undefined) {
    this.#system = system
    this.#dev = dev
    this.#env = env
    this.#given = given
  }

  static async of(
    system: System,
    options: { database?: string | undefined; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Databases> {
    await refuseSharedName(system)
    return new Databases(system, await runningDev(system.dir), options.env ?? process.env, options.database)
  }

  find(service: string, options: { alone: boolean }): FoundDatabase | undefined {
    const own = variable(service, 'DATABASE_URL')
    const candidates: readonly (readonly [string | undefined, string])[] = [
      [options.alone ? this.#given : undefined, '--database'],
      [this.#env[own], own],
      [this.#dev?.services[service]?.database, 'spandrel dev'],
      [this.#system.services[service]?.database?.value, 'spandrel.yaml'],
      [options.alone ? this.#env['DATABASE_URL'] : undefined, 'DATABASE_URL'],
    ]
    const found = candidates.find(([url]) => url !== undefined && url !== '')
    return found === undefined ? undefined : { service, url: checked(found[0] ?? '', found[1]), from: found[1] }
  }

  /** Like `find`, and refuses to go on without one. */
  require(service: string, options: { alone: boolean }): FoundDatabase {
    const found = this.find(service, options)
    if (found !== undefined) return found
    throw new CommandError(`no database is known for ${service}`, {
      where: shown(this.#system.file),
      fix: `set ${variable(service, 'DATABASE_URL')}, add \`database\` to the service in spandrel.yaml, or start \`spandrel dev\``,
    })
  }

  /** The database of the gateway's key records; undefined where none is known. */
  gateway(options: { alone: boolean }): FoundDatabase | undefined {
    const candidates: readonly (readonly [string | undefined, string])[] = [
      [options.alone ? this.#given : undefined, '--database'],
      [this.#env['GATEWAY_DATABASE_URL'], 'GATEWAY_DATABASE_URL'],
      [this.#dev?.gatewayDatabase, 'spandrel dev'],
      [this.#system.gateway?.database?.value, 'spandrel.yaml'],
    ]
    const found = candidates.find(([url]) => url !== undefined && url !== '')
    return found === undefined
      ? undefined
      : { service: 'gateway', url: checked(found[0] ?? '', found[1]), from: found[1] }
  }

  /** The postgres transport's database; undefined where none is known or the transport is another one. */
  stream(): FoundDatabase | undefined {
    const configured = this.#system.transport.value
    const candidates: readonly (readonly [string | undefined, string])[] = [
      [this.#env['SPANDREL_TRANSPORT_URL'], 'SPANDREL_TRANSPORT_URL'],
      [this.#dev?.transport, 'spandrel dev'],
      [configured, 'spandrel.yaml'],
    ]
    const found = candidates.find(([url]) => url !== undefined && /^postgres(?:ql)?:\/\//.test(url))
    return found === undefined ? undefined : { service: 'stream', url: found[0] ?? '', from: found[1] }
  }
}

/**
 * A service called `gateway` with tables of ours would have its database under the name of the gateway's: one variable
 * would point both at one place.
 */
export async function refuseSharedName(system: System): Promise<void> {
  const service = system.services['gateway']
  if (service === undefined || !hasTables(service)) return
  const { gatewayKeepsKeys } = await contractPackage()
  if (!gatewayKeepsKeys(system)) return
  throw new CommandError('the service gateway and the gateway, which keeps keys, would share GATEWAY_DATABASE_URL', {
    where: shown(service.location.file),
    fix: 'give the service another name, for example services.edge',
  })
}

function checked(url: string, from: string): string {
  if (/^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url)) return url
  throw new CommandError('this is no Postgres connection string', {
    where: from,
    fix: 'write it as postgres://user@host:5432/database',
  })
}

/** A connection string without its password. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url)
    if (parsed.password !== '') parsed.password = '***'
    if (parsed.searchParams.has('password')) parsed.searchParams.set('password', '***')
    return parsed.href
  } catch {
    return 'an unreadable connection string'
  }
}
