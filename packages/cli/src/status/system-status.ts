/** Everything `status` shows, looked at side by side. What is away is told, and hides nothing else. */
import type { Service, System } from '@spandrel/contract'
import { checkGateway, checkMigrated, checkStream } from '@spandrel/runtime/operate'
import { runningDev } from '../dev/state-file.ts'
import { CommandError, complaint } from '../output/command-error.ts'
import { connected } from '../system/connect.ts'
import { Databases, type FoundDatabase, gatewayDatabaseFix } from '../system/database-url.ts'
import { isForeign } from '../system/foreign.ts'
import { gatewayKeepsKeysOf } from '../system/gateway-keys.ts'
import { hasTables } from '../system/registrations.ts'
import { type GatewayState, gatewayState } from './gateway-state.ts'
import { type HttpState, httpState } from './http-state.ts'
import { type ServiceState, serviceState } from './service-state.ts'
import { channelFills, type ChannelFill, type Lag, lags } from './stream-state.ts'

/** Something that could not be looked at, and what to do. */
export interface Away {
  what: string
  fix?: string
}

export interface ServiceStatus {
  name: string
  owner?: string
  /** absent: it has no address */
  http?: HttpState
  /** absent: it has no tables of ours */
  database?: ServiceState | Away
  /** where the stream was looked at */
  lag: Lag[]
  sends: boolean
  foreign: boolean
}

export interface SystemStatus {
  system: string
  services: ServiceStatus[]
  /** absent: nobody sends or receives */
  stream?: { channels: ChannelFill[] } | Away
  /** absent: the gateway keeps no keys */
  gateway?: GatewayState | Away
}

/** How long a database may take for an answer. */
const statementMs = 10_000

export async function systemStatus(
  system: System,
  chosen: readonly string[],
  options: { database?: string | undefined; token?: string | undefined },
): Promise<SystemStatus> {
  const databases = await Databases.of(system, { database: options.database })
  const dev = await runningDev(system.dir)
  const names = chosen.filter((name) => system.services[name]?.external === false)
  const alone = names.filter((name) => hasTables(system.services[name]!)).length === 1
  const services = await Promise.all(
    names.map(async (name): Promise<ServiceStatus> => {
      const service = system.services[name]!
      const url = dev?.services[name]?.url ?? service.url?.value ?? originOf(service.events?.value)
      const [http, database] = await Promise.all([
        url === undefined ? undefined : httpState(url, options.token),
        hasTables(service) ? databaseOf(service, () => databases.require(name, { alone })) : undefined,
      ])
      return {
        name,
        ...(service.owner !== undefined && { owner: service.owner }),
        ...(http !== undefined && { http }),
        ...(database !== undefined && { database }),
        lag: [],
        sends: Object.keys(service.sends).length > 0,
        foreign: isForeign(service),
      }
    }),
  )
  const messages = Object.values(system.services).some(
    (one) => Object.keys(one.sends).length + Object.keys(one.receives).length > 0,
  )
  const keeps = options.database === undefined && (await gatewayKeepsKeysOf(system, chosen))
  return {
    system: system.name,
    services,
    ...(messages && { stream: await streamOf(services, databases.stream()) }),
    ...(keeps && { gateway: await gatewayOf(() => databases.gateway({ alone: false })) }),
  }
}

export function isAway(found: object | undefined): found is Away {
  return found !== undefined && 'what' in found
}

async function databaseOf(service: Service, find: () => FoundDatabase): Promise<ServiceState | Away> {
  return lookedAt(() =>
    connected(
      find(),
      async (database) => {
        await checkMigrated(database, service.name)
        return serviceState(database.query)
      },
      { statementMs },
    ),
  )
}

/** Also writes into each service how far it is behind. */
async function streamOf(
  services: readonly ServiceStatus[],
  found: FoundDatabase | undefined,
): Promise<{ channels: ChannelFill[] } | Away> {
  if (found === undefined) return { what: 'it is not known where the stream is', fix: 'set SPANDREL_TRANSPORT_URL' }
  const places = services.flatMap(({ database }) =>
    database === undefined || isAway(database) ? [] : database.positions,
  )
  return lookedAt(() =>
    connected(
      found,
      async (database) => {
        await checkStream(database)
        for (const lag of await lags(database.query, places)) {
          services.find(({ name }) => name === lag.subscription.split(':', 1)[0])?.lag.push(lag)
        }
        return { channels: await channelFills(database.query) }
      },
      { statementMs },
    ),
  )
}

async function gatewayOf(find: () => FoundDatabase | undefined): Promise<GatewayState | Away> {
  return lookedAt(() => {
    const found = find()
    if (found === undefined) throw new CommandError('its database is not known', { fix: gatewayDatabaseFix })
    return connected(
      found,
      async (database) => {
        await checkGateway(database)
        return gatewayState(database.query)
      },
      { statementMs },
    )
  })
}

async function lookedAt<T>(look: () => Promise<T>): Promise<T | Away> {
  try {
    return await look()
  } catch (error) {
    const { what, where, fix } = complaint(error)
    return { what: where === undefined ? what : `${what} (${where})`, ...(fix !== undefined && { fix }) }
  }
}

function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined
}
