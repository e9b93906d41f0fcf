/** What `dev` runs for a system: processes, where they listen, their databases and their environment. */
import { stat } from 'node:fs/promises'
import { delimiter, dirname, join, sep } from 'node:path'
import type { Service, System } from '@spandrel/contract'
import { freePort } from '../embedded/index.ts'
import { variable } from '../system/database-url.ts'
import { isForeign, needsGateway } from '../system/foreign.ts'
import { portIsFree } from './ports.ts'

export interface Address {
  host: string
  port: number
  /** with scheme, without a slash at its end */
  url: string
  /** the address spandrel.yaml wanted, where somebody else has it */
  instead?: string
}

export interface PlannedService {
  name: string
  /** its `dev` command runs here */
  folder: string
  /** files below here restart it */
  watched: string
  /** absent: it is not started (no `dev`, not chosen, or external) */
  command?: string
  address?: Address
  database: string
  /** a service without our code, whose messages a process of ours carries */
  sidecar: boolean
}

export interface Places {
  /** connection string of a service's database, and of the stream's */
  database: (service: string) => string
  transport: string
  /** of the gateway's key records */
  gateway: string
}

/**
 * Where everything listens. Addresses once given stay: a reload does not move a running service. With patience, a port
 * that is in use is waited for.
 */
export async function chooseAddresses(
  system: System,
  started: ReadonlySet<string>,
  known: ReadonlyMap<string, Address> = new Map(),
  options: { patienceMs: number } = { patienceMs: 0 },
): Promise<Map<string, Address>> {
  const patientUntil = Date.now() + options.patienceMs
  const chosen = new Map<string, Address>()
  const taken = new Set<number>()
  const choose = async (name: string, wanted: string, ours: boolean): Promise<void> => {
    const before = known.get(name)
    if (before !== undefined && (before.url === origin(wanted) || before.instead === origin(wanted))) {
      chosen.set(name, before)
      taken.add(before.port)
      return
    }
    const address = addressOf(wanted)
    if (address === undefined) return
    if (ours && (taken.has(address.port) || !(await becomesFree(address, patientUntil)))) {
      const port = await freePort()
      chosen.set(name, { ...address, port, url: address.url.replace(/:\d+$/, '') + `:${port}`, instead: address.url })
      taken.add(port)
    } else {
      chosen.set(name, address)
      if (ours) taken.add(address.port)
    }
  }
  if (needsGateway(system)) {
    const { host, port } = system.gateway ?? { host: '127.0.0.1', port: 8080 }
    await choose(
      gatewayName(system),
      `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`,
      true,
    )
  }
  for (const service of Object.values(system.services)) {
    const wanted = service.url?.value ?? service.events?.value
    if (service.external) continue
    if (wanted !== undefined) await choose(service.name, wanted, started.has(service.name))
    else if (started.has(service.name)) {
      // Nobody said where it listens: it is told, and so is everybody else.
      const port = known.get(service.name)?.port ?? (await freePort())
      chosen.set(service.name, { host: '127.0.0.1', port, url: `http://127.0.0.1:${port}` })
    }
  }
  return chosen
}

async function becomesFree({ port, host }: Address, patientUntil: number): Promise<boolean> {
  for (;;) {
    if (await portIsFree(port, host)) return true
    if (Date.now() >= patientUntil) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Addresses as environment variables, so that spandrel.yaml read again (`events: ${LEDGER_URL}/…`) says the same. */
export function addressVariables(system: System, addresses: ReadonlyMap<string, Address>): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const service of Object.values(system.services)) {
    const address = addresses.get(service.name)
    if (address !== undefined)
      variables[service.url?.env ?? service.events?.env ?? variable(service.name, 'URL')] = address.url
  }
  return variables
}

/** What the gateway is called beside services, one of which may have its name. No service's name has a blank. */
export function gatewayName(system: System): string {
  return Object.hasOwn(system.services, 'gateway') ? 'spandrel gateway' : 'gateway'
}

/** Everybody who will speak in the log. */
export function speakersOf(system: System, started: ReadonlySet<string>): string[] {
  const speakers: string[] = []
  for (const service of Object.values(system.services)) {
    if (started.has(service.name)) speakers.push(service.name)
    if (needsSidecar(service, started)) speakers.push(sidecarName(service.name))
  }
  return needsGateway(system) ? [gatewayName(system), ...speakers] : speakers
}

/** Services that have a `dev` command and were chosen. */
export function startedServices(system: System, chosen: readonly string[]): Set<string> {
  return new Set(chosen.filter((name) => system.services[name]?.dev !== undefined && !system.services[name].external))
}

export function sidecarName(service: string): string {
  return `${service} sidecar`
}

function needsSidecar(service: Service, started: ReadonlySet<string>): boolean {
  return !service.external && isForeign(service) && (started.has(service.name) || service.dev === undefined)
}

export async function planServices(
  system: System,
  started: ReadonlySet<string>,
  addresses: ReadonlyMap<string, Address>,
  places: Places,
): Promise<PlannedService[]> {
  const planned: PlannedService[] = []
  for (const service of Object.values(system.services)) {
    if (service.external) continue
    const address = addresses.get(service.name)
    planned.push({
      name: service.name,
      folder: service.dir,
      watched: await folderOf(service),
      ...(started.has(service.name) && service.dev !== undefined && { command: service.dev }),
      ...(address !== undefined && { address }),
      database: places.database(service.name),
      sidecar: needsSidecar(service, started),
    })
  }
  return planned
}

/**
 * The folder whose files belong to a service: the deepest one that holds its contracts and what its `dev` command
 * names. In a repository of one service that is the repository; in one of many, each has its own.
 */
async function folderOf(service: Service): Promise<string> {
  const files = service.documents.map((document) => dirname(document.file))
  for (const word of service.dev?.split(/\s+/) ?? []) {
    const path = join(service.dir, word.replaceAll(/^['"]|['"]$/g, ''))
    const found = word.startsWith('-') || word === '' ? undefined : await stat(path).catch(() => undefined)
    if (found?.isFile()) files.push(dirname(path))
    if (found?.isDirectory()) files.push(path)
  }
  const inside = files.filter((file) => file === service.dir || file.startsWith(service.dir + sep))
  const [first = service.dir, ...rest] = inside
  return rest.reduce((common, file) => {
    let folder = common
    while (file !== folder && !file.startsWith(folder + sep)) folder = dirname(folder)
    return folder
  }, first)
}

/** What a service's process is given. Other services' databases are not: they are nobody else's business. */
export function serviceEnvironment(
  service: PlannedService,
  system: System,
  addresses: ReadonlyMap<string, Address>,
  places: Places,
  base: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const gateway = addresses.get(gatewayName(system))
  return {
    ...childEnvironment(service.folder, base),
    ...addressVariables(system, addresses),
    ...devVariables(service, places),
    ...(gateway !== undefined && { SPANDREL_GATEWAY_URL: gateway.url }),
  }
}

/** The variables that only `dev` knows, for a service's process or for whoever starts it by hand. */
function devVariables(service: PlannedService, places: Places): Record<string, string> {
  return {
    ...(service.address !== undefined && { PORT: String(service.address.port) }),
    DATABASE_URL: service.database,
    [variable(service.name, 'DATABASE_URL')]: service.database,
    SPANDREL_TRANSPORT_URL: places.transport,
    // Requests come through dev's own gateway, which strips and sets the caller's header.
    SPANDREL_TRUST_CALLER: '1',
  }
}

/** The environment any child starts from: our Node first, programs of node_modules next. */
export function childEnvironment(folder: string, base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const programs: string[] = [dirname(process.execPath)]
  for (let place = folder; ; place = dirname(place)) {
    programs.push(join(place, 'node_modules', '.bin'))
    if (dirname(place) === place) break
  }
  // Run from source, services must resolve our packages the same way.
  const conditions = process.execArgv.filter((argument) => argument.startsWith('--conditions='))
  const options = [base['NODE_OPTIONS'] ?? '', ...conditions].filter((text) => text !== '').join(' ')
  return {
    ...base,
    PATH: [...programs, base['PATH'] ?? ''].join(delimiter),
    ...(options !== '' && { NODE_OPTIONS: options }),
  }
}

function addressOf(text: string): Address | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, url: `${url.protocol}//${url.hostname}:${port}` }
}

function origin(text: string): string | undefined {
  return addressOf(text)?.url
}
