/** Runs every check on every place. A check that cannot run says why, and counts as not run. */
import type { System } from '@spandrel/contract'
import { isConnectionLost } from '@spandrel/runtime/operate'
import { runningDev } from '../dev/state-file.ts'
import { CommandError, complaint } from '../output/command-error.ts'
import { connected } from '../system/connect.ts'
import { Databases, type FoundDatabase, gatewayDatabaseFix } from '../system/database-url.ts'
import { gatewayKeepsKeysOf } from '../system/gateway-keys.ts'
import { hasTables, serviceRegistration, streamRegistration } from '../system/registrations.ts'
import { type Check, type Finding, type Limits, type Place, type PlaceKind } from './check.ts'
import { pooler } from './pooler-check.ts'
import { mayEnough, mayTooMuch } from './role-checks.ts'
import { expired, expiredKeys, heldRows, streamRoom, unsent } from './row-checks.ts'
import { complete, migrated, registered } from './schema-checks.ts'
import { connections, durability, slots, supported } from './server-checks.ts'
import { clockFindings, tokenFindings, urlFindings } from './surroundings.ts'
import { deadRows, openTransactions, vacuumSettings } from './vacuum-checks.ts'

export interface Examined {
  check: string
  /** a service, `stream`, `gateway`, or `here` */
  about: string
  findings: Finding[]
  /** it could not run, and why */
  notRun?: string
}

export const databaseChecks: readonly Check[] = [
  supported,
  migrated,
  complete,
  registered,
  mayEnough,
  mayTooMuch,
  vacuumSettings,
  deadRows,
  openTransactions,
  durability,
  slots,
  connections,
  pooler,
  unsent,
  expired,
  expiredKeys,
  heldRows,
  streamRoom,
]

export async function examine(
  system: System,
  chosen: readonly string[],
  options: { database?: string | undefined; env: NodeJS.ProcessEnv; limits: Limits },
): Promise<Examined[]> {
  const { env, limits } = options
  const databases = await Databases.of(system, { database: options.database, env })
  const dev = await runningDev(system.dir)
  const ours = chosen.filter((name) => system.services[name]?.external === false)
  const keeping = ours.filter((name) => hasTables(system.services[name]!))
  const alone = keeping.length === 1
  const results: Examined[] = []
  for (const name of keeping) {
    const registration = { service: serviceRegistration(system, system.services[name]!) }
    results.push(...(await place(name, 'service', registration, () => databases.require(name, { alone }), limits)))
  }
  const messages = Object.values(system.services).some(
    (one) => Object.keys(one.sends).length + Object.keys(one.receives).length > 0,
  )
  if (messages && options.database === undefined) {
    const find = (): FoundDatabase => {
      const found = databases.stream()
      if (found === undefined) throw new Error('it is not known where the stream is: set SPANDREL_TRANSPORT_URL')
      return found
    }
    results.push(...(await place('stream', 'stream', { stream: streamRegistration(system) }, find, limits)))
  }
  if (options.database === undefined && (await gatewayKeepsKeysOf(system, chosen))) {
    const find = (): FoundDatabase => {
      const found = databases.gateway({ alone: false })
      if (found === undefined)
        throw new CommandError('no database is known for the gateway', { fix: gatewayDatabaseFix })
      return found
    }
    results.push(...(await place('gateway', 'gateway', {}, find, limits)))
  }
  if (dev === undefined) results.push({ check: 'tokens', about: 'here', findings: tokenFindings(env) })
  const addresses = ours.flatMap((name) => {
    const url = dev?.services[name]?.url ?? system.services[name]?.url?.value ?? system.services[name]?.events?.value
    return url === undefined || !URL.canParse(url) ? [] : [{ name, url: new URL(url).origin }]
  })
  const reached = addresses.map(async ({ name, url }): Promise<Examined> => {
    return { check: 'address', about: name, findings: await urlFindings(name, url) }
  })
  return withoutRepeats([...results, ...(await Promise.all(reached))])
}

const schemas: Readonly<Record<PlaceKind, Place['schema']>> = {
  service: 'spandrel',
  stream: 'spandrel_stream',
  gateway: 'spandrel_gateway',
}

async function place(
  name: string,
  kind: PlaceKind,
  registration: Place['registration'],
  find: () => FoundDatabase,
  limits: Limits,
): Promise<Examined[]> {
  const asked = databaseChecks.filter(({ of }) => of === undefined || of.includes(kind))
  const results: Examined[] = []
  try {
    const found = find()
    return await connected(
      found,
      async ({ query }) => {
        const development = found.from === 'spandrel dev'
        const schema = schemas[kind]
        const at: Place = { name, kind, schema, query, url: found.url, registration, development, limits }
        for (const check of asked) {
          if (check.production === true && development) continue
          results.push(await run(check.id, name, () => check.run(at)))
        }
        results.push(await run('clock', name, () => clockFindings(query, limits.clockSeconds)))
        return results
      },
      { statementMs: limits.statementSeconds * 1000 },
    )
  } catch (cause) {
    const { what, where, fix } = complaint(cause)
    const finding: Finding = {
      severity: 'error',
      what: where === undefined ? what : `${what} (${where})`,
      fix: fix ?? 'set its variable, or start its server',
    }
    const notRun = results.length === 0 ? 'its database was not reached' : 'its database stopped answering'
    const left = asked.filter(({ id }) => !results.some(({ check }) => check === id))
    return [
      { check: 'database', about: name, findings: [finding] },
      ...results,
      ...left.map(({ id }) => ({ check: id, about: name, findings: [], notRun })),
    ]
  }
}

async function run(check: string, about: string, work: () => Promise<Finding[]>): Promise<Examined> {
  try {
    return { check, about, findings: await work() }
  } catch (cause) {
    // Each of the others would wait as long as this one did.
    if (isConnectionLost(cause)) throw cause
    const code = (cause as { code?: unknown }).code
    const why =
      code === '42501'
        ? 'the role may not look there'
        : code === '42P01' || code === '3F000'
          ? 'the tables are missing'
          : complaint(cause).what
    return { check, about, findings: [], notRun: why }
  }
}

/** Databases on one server have its settings in common: what is said of one is not said again of the next. */
function withoutRepeats(results: readonly Examined[]): Examined[] {
  const ofServer = new Set([supported.id, durability.id, slots.id, connections.id])
  const said = new Set<string>()
  return results.map((result) => {
    if (!ofServer.has(result.check)) return result
    const findings = result.findings.filter(({ what }) => !said.has(`${result.check} ${what}`))
    for (const { what } of findings) said.add(`${result.check} ${what}`)
    return { ...result, findings }
  })
}
