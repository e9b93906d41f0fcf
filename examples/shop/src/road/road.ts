/**
 * The shop, running: every service, the ledger's push, the gateway and the card network as processes of their own, each
 * service with its own database. Two roads can run beside each other on one server.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AuditSources } from '../audit/audit.ts'
import { databaseVariables, type Databases, makeDatabases, type ServiceName } from './databases.ts'
import { writeLedgerContract } from './ledger-contract.ts'
import { Member, type Program } from './member.ts'
import type { OtherRelease } from './other-release.ts'
import { claimPorts } from './ports.ts'

export interface RoadOptions {
  /** connection string of a database on the server */
  postgres: (database: string) => string
  /** distinguishes databases and files of two roads: `''`, `naive_` */
  prefix: string
  seed: number
  /** where logs are written */
  directory: string
  /** port of the gateway, where it is free */
  port?: number
  /** deliberate defects, in the services only: their test build */
  mutants?: readonly string[]
  /** services that run as two processes on one database; the second is called `orders-2` */
  twice?: readonly Twin[]
  /** every process that can is of one release at its first start, of the other at its next, and so on */
  beside?: OtherRelease
  /** only these processes; default all */
  only?: readonly string[]
  /** the last word on the environment of a process: puts something between it and what it depends on */
  environment?: (member: string, env: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, string>>>
}

/** Services of which more than one process can run: all that are on the runtime. */
export const TWINS = ['orders', 'payments', 'inventory', 'shipping'] as const
type Twin = (typeof TWINS)[number]

/** Every process chaos may kill, by name, and a service's second one. `ledger-push` carries the ledger's messages to it. */
const VICTIMS = [...TWINS, 'ledger', 'ledger-push', 'gateway'] as const
export type Victim = (typeof VICTIMS)[number] | `${Twin}-2`

/** The service that a process is of; none: the gateway. */
export function serviceOf(victim: Victim): ServiceName | undefined {
  if (victim === 'gateway') return undefined
  if (victim === 'ledger-push') return 'ledger'
  return victim.replace(/-2$/, '') as ServiceName
}

const SHOP = fileURLToPath(new URL('../../', import.meta.url))
/** As `spandrel dev` runs it; from the shop's folder. */
const GATEWAY = '../../packages/gateway/src/main.ts'

export class Road {
  readonly url: string
  /** base URL of each process that answers HTTP, by name */
  readonly urls: Readonly<Record<string, string>>
  readonly cardnetUrl: string
  readonly databases: Databases
  readonly sources: AuditSources
  readonly variables: Readonly<Record<string, string>>
  /** every process chaos may kill */
  readonly victims: readonly Victim[]
  readonly #members: ReadonlyMap<string, Member>

  private constructor(databases: Databases, members: ReadonlyMap<string, Member>, places: Places, directory: string) {
    this.databases = databases
    this.#members = members
    this.url = places.urls.gateway
    this.urls = places.all
    this.cardnetUrl = places.urls.cardnet
    this.variables = { ...databaseVariables(databases), ...places.variables }
    const twins = TWINS.map((name) => `${name}-2` as const).filter((name) => members.has(name))
    this.victims = [...VICTIMS, ...twins]
    this.sources = {
      services: databases.services,
      stream: databases.stream,
      shopperLog: join(directory, 'shopper.jsonl'),
      cardnetCharges: join(directory, 'charges.jsonl'),
    }
  }

  static async start(options: RoadOptions): Promise<Road> {
    const directory = join(options.directory, options.prefix === '' ? 'shop' : options.prefix.replace('_', ''))
    await mkdir(directory, { recursive: true })
    const [databases, places] = await Promise.all([
      makeDatabases(options.postgres, options.prefix, options.seed),
      findPlaces(options.port, options.twice ?? []),
    ])
    const contracts = {
      here: await writeLedgerContract(directory, databaseVariables(databases)),
      beside: await options.beside?.writeLedgerContract(databaseVariables(databases)),
    }
    const members = new Map<string, Member>()
    for (const [name, member] of Object.entries(describe(databases, places, options, directory, contracts))) {
      if (options.only?.includes(name) === false) continue
      const env = (await options.environment?.(name, member.env)) ?? member.env
      members.set(name, new Member({ ...member, env, name }))
    }
    const road = new Road(databases, members, places, directory)
    try {
      await Promise.all([...members.values()].map((member) => member.start()))
    } catch (error) {
      await road.stop()
      throw error
    }
    return road
  }

  member(name: string): Member {
    const member = this.#members.get(name)
    if (member === undefined) throw new Error(`nothing here is called ${name}`)
    return member
  }

  /** how many processes were started of this release, and of the one beside it */
  get starts(): { here: number; beside: number } {
    const starts = [...this.#members].flatMap(([name, member]) => (name === 'cardnet' ? [] : member.starts))
    const here = starts.filter(({ cwd }) => cwd === SHOP).length
    return { here, beside: starts.length - here }
  }

  get down(): readonly string[] {
    return [...this.#members.values()].filter((member) => !member.up).map(({ name }) => name)
  }

  async waitUntilUp(timeoutMs = 30_000): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.waitUntilUp(timeoutMs)))
  }

  /** Stops every process, politely. Resolves with the names of those that had to be killed or ended with a fault. */
  async stop(): Promise<string[]> {
    const stopped = await Promise.all(
      [...this.#members.values()].map(async (member) => ({ name: member.name, clean: await member.stop() })),
    )
    return stopped.filter(({ clean }) => !clean).map(({ name }) => name)
  }
}

interface Places {
  ports: Readonly<Record<ServiceName | `${Twin}-2` | 'ledger-push' | 'gateway' | 'cardnet', number>>
  urls: { gateway: string; cardnet: string }
  all: Readonly<Record<string, string>>
  /** `PAYMENTS_URL` and the like */
  variables: Readonly<Record<string, string>>
}

const NAMES = ['gateway', 'orders', 'payments', 'inventory', 'shipping', 'ledger', 'ledger-push', 'cardnet'] as const

async function findPlaces(port: number | undefined, twice: readonly Twin[]): Promise<Places> {
  const names = [...NAMES, ...twice.map((name) => `${name}-2` as const)]
  const claimed = await claimPorts(names.length, port)
  const ports = Object.fromEntries(names.map((name, index) => [name, claimed[index]])) as Places['ports']
  const at = (name: (typeof names)[number]): string => `http://127.0.0.1:${ports[name]}`
  const called = ['orders', 'payments', 'inventory', 'shipping', 'ledger', 'cardnet'] as const
  return {
    ports,
    urls: { gateway: at('gateway'), cardnet: at('cardnet') },
    all: Object.fromEntries(names.map((name) => [name, at(name)])),
    variables: Object.fromEntries(called.map((name) => [`${name.toUpperCase()}_URL`, at(name)])),
  }
}

type Described = Omit<ConstructorParameters<typeof Member>[0], 'name'>

function describe(
  databases: Databases,
  places: Places,
  options: RoadOptions,
  directory: string,
  contracts: { here: string; beside: string | undefined },
): Record<string, Described> {
  const { ports, variables } = places
  const mutants = options.mutants ?? []
  const conditions = [...(mutants.length > 0 ? ['--conditions=spandrel-test'] : []), '--conditions=spandrel-source']
  const program = (cwd: string, script: string): Program => ({
    args: [...conditions, '--enable-source-maps', ...script.split(' ')],
    cwd,
  })
  const programs = (name: string, script: (contract: string) => string): [Program, ...Program[]] => {
    const here = program(SHOP, script(contracts.here))
    const { beside } = options
    // The card network is nobody's release.
    if (beside === undefined || name === 'cardnet') return [here]
    const other = program(beside.shop, script(contracts.beside ?? ''))
    // Of two processes of a service one is of each release, from the beginning.
    return name.endsWith('-2') || name === 'gateway' ? [other, here] : [here, other]
  }
  const member = (
    name: keyof Places['ports'],
    script: string | ((contract: string) => string),
    ready: string | RegExp,
    env: Record<string, string> = {},
  ): Described => ({
    programs: programs(name, typeof script === 'string' ? () => script : script),
    env: { ...variables, PORT: String(ports[name]), PGAPPNAME: name, SPANDREL_MUTANT: mutants.join(','), ...env },
    ready: typeof ready === 'string' ? `http://127.0.0.1:${ports[name]}${ready}` : ready,
    log: join(directory, `${name}.log`),
  })
  const service = (name: Twin, process: Twin | `${Twin}-2` = name): Described =>
    member(process, `${name}/src/main.ts`, '/.spandrel/ready', {
      DATABASE_URL: databases.services[name],
      SPANDREL_TRANSPORT_URL: databases.stream,
      SPANDREL_TRUST_CALLER: '1',
    })
  const ledger = { DATABASE_URL: databases.services.ledger }
  return {
    orders: service('orders'),
    payments: service('payments'),
    inventory: service('inventory'),
    shipping: service('shipping'),
    ledger: member('ledger', 'ledger/ledger.mjs', '/health', ledger),
    'ledger-push': member('ledger-push', (contract) => `ledger/push.ts ${contract}`, /carrying messages/, {
      ...ledger,
      SPANDREL_TRANSPORT_URL: databases.stream,
    }),
    gateway: member('gateway', `${GATEWAY} --config spandrel.yaml`, '/.spandrel/ready', {
      GATEWAY_PORT: String(ports.gateway),
      LEDGER_DATABASE_URL: databases.services.ledger,
    }),
    cardnet: member('cardnet', 'cardnet/src/main.ts', '/outstanding', { CARDNET_LOGS: directory }),
    ...Object.fromEntries((options.twice ?? []).map((name) => [`${name}-2`, service(name, `${name}-2`)])),
  }
}
