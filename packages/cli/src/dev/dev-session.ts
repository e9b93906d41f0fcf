/**
 * A running `spandrel dev`: its server, its processes, and what happens when a file changes.
 *
 *   up:     databases → contracts → migrations → processes → "is up"
 *   reload: documents read again → contracts → migrations → processes that differ are restarted
 *   down:   gateway first (nothing new comes in) → services and sidecars → server
 */
import { createHash } from 'node:crypto'
import { getCompileCacheDir } from 'node:module'
import { basename, dirname, extname, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gatewayKeepsKeys, type System } from '@spandrel/contract'
import { complaint } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import { count, span, table } from '../output/table.ts'
import { generateContracts } from '../system/generate-contracts.ts'
import { migrateDatabases } from '../system/migrate-databases.ts'
import { BrokenSystem, chooseServices, describeFindings, openSystem } from '../system/open-system.ts'
import { type DevServer, openServer } from './dev-databases.ts'
import type { DevLog } from './dev-log.ts'
import {
  type Address,
  addressVariables,
  childEnvironment,
  chooseAddresses,
  gatewayName,
  planServices,
  type PlannedService,
  serviceEnvironment,
  sidecarName,
  startedServices,
} from './dev-plan.ts'
import { listens } from './ports.ts'
import { removeState, wasCutOff, writeState } from './state-file.ts'
import { type ProcessSpec, SupervisedProcess } from './supervised-process.ts'
import { FolderWatch } from './watch-folder.ts'

export interface SessionOptions {
  /** path of spandrel.yaml */
  config: string
  only?: readonly string[] | undefined
  postgres?: string | undefined
}

export class DevSession {
  readonly #options: SessionOptions
  readonly #log: DevLog
  readonly #output: Output
  readonly #server: DevServer
  readonly #processes = new Map<string, SupervisedProcess>()
  /** what each process was started with, to see what a reload changed */
  readonly #started = new Map<string, string>()
  readonly #stop = new AbortController()
  readonly #startedAt: number
  #system: System
  #addresses: ReadonlyMap<string, Address> = new Map()
  #services: readonly PlannedService[] = []
  #watch: FolderWatch | undefined
  /** the last `dev` here was killed: its services may hold their ports for a moment */
  #cutOff: boolean
  /** reloads happen one after the other */
  #turn: Promise<void> = Promise.resolve()

  private constructor(
    options: SessionOptions,
    system: System,
    server: DevServer,
    log: DevLog,
    output: Output,
    cutOff: boolean,
    startedAt: number,
  ) {
    this.#startedAt = startedAt
    this.#options = options
    this.#system = system
    this.#server = server
    this.#log = log
    this.#output = output
    this.#cutOff = cutOff
  }

  static async open(options: SessionOptions, system: System, log: DevLog, output: Output): Promise<DevSession> {
    const opened = Date.now()
    output.progress('starting PostgreSQL')
    const cutOff = await wasCutOff(system.dir)
    const server = await openServer(system, {
      postgres: options.postgres,
      crashed: (text, again) => {
        log.event('postgres-crashed', 'PostgreSQL ended by itself; starting it again', { level: 'error' })
        for (const line of text.trim().split('\n').slice(-5)) log.event('postgres-log', `  ${line}`, { level: 'error' })
        again.then(
          () => log.event('postgres', 'PostgreSQL is up again'),
          (error: unknown) => log.event('postgres-down', complaint(error).what, { level: 'fatal' }),
        )
      },
    })
    output.progress('')
    log.event('postgres', `PostgreSQL is up at ${server.where}, ${span(Date.now() - opened)}`)
    return new DevSession(options, system, server, log, output, cutOff, opened)
  }

  /** Resolves when every process has been started; `ready` follows when all of them listen. */
  async up(): Promise<void> {
    const work = async (): Promise<void> => {
      await this.#prepare(this.#system)
      await this.#run()
      await this.#follow()
    }
    const up = work()
    this.#turn = up.catch(() => {})
    await up
    void this.#announce()
  }

  /** Ends everything, in order. Idempotent. */
  async down(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.#watch?.close()
    await this.#turn
    await this.#processes.get(gatewayName(this.#system))?.stop()
    await Promise.all([...this.#processes.values()].map((one) => one.stop()))
    await this.#server.close()
    await removeState(this.#system.dir)
  }

  /** Addresses, databases, generated contracts and migrations of a system that was read. */
  async #prepare(read: System): Promise<void> {
    const started = startedServices(read, chooseServices(read, this.#options.only, '--only'))
    const addresses = await chooseAddresses(read, started, this.#addresses, { patienceMs: this.#cutOff ? 6000 : 0 })
    this.#cutOff = false
    // Texts that hold an address (`events: ${LEDGER_URL}/…`) must say the one that was chosen.
    const moved = [...addresses.values()].some((address) => address.instead !== undefined)
    const system = moved ? await openSystem(read.file, { ...process.env, ...addressVariables(read, addresses) }) : read
    this.#addresses = addresses
    this.#system = system
    this.#services = await planServices(system, started, addresses, this.#server)
    const [{ stale }] = await Promise.all([
      generateContracts(system, { check: false }),
      this.#server.create(
        this.#services.map((service) => service.name),
        { gateway: gatewayKeepsKeys(system) },
      ),
    ])
    if (stale.length > 0) {
      const files = stale.map(({ file }) => file)
      this.#log.event('generated', `generated ${files.map((file) => relative(system.dir, file)).join(', ')}`, {
        fields: { files },
      })
    }
    const migrated = await migrateDatabases(system, {
      services: this.#services.map(({ name, database }) => ({ service: name, url: database, from: 'spandrel dev' })),
      stream: { service: 'stream', url: this.#server.transport, from: 'spandrel dev' },
      gateway: { service: 'gateway', url: this.#server.gateway, from: 'spandrel dev' },
    })
    const changed = migrated.filter((one) => one.applied.length > 0).map((one) => one.database)
    if (changed.length > 0)
      this.#log.event('migrated', `migrated ${changed.join(', ')}`, { fields: { databases: changed } })
    const gateway = addresses.get(gatewayName(system))
    await writeState(system.dir, {
      system: system.name,
      startedAt: new Date(this.#startedAt).toISOString(),
      ...(gateway !== undefined && { gateway: gateway.url }),
      ...(gatewayKeepsKeys(system) && { gatewayDatabase: this.#server.gateway }),
      transport: this.#server.transport,
      services: Object.fromEntries(
        this.#services.map(({ name, address, database }) => [name, { ...(address && { url: address.url }), database }]),
      ),
    })
  }

  /** Brings the processes in line with the plan: starts new ones, restarts changed ones, stops those that went. */
  async #run(): Promise<void> {
    if (this.#stop.signal.aborted) return
    const specs = this.#specs()
    for (const [name, running] of this.#processes) {
      if (specs.has(name)) continue
      this.#processes.delete(name)
      this.#started.delete(name)
      this.#log.event('stopping', 'is not in spandrel.yaml any more; stopping', { about: name })
      await running.stop()
    }
    for (const [name, spec] of specs) {
      const text = JSON.stringify(spec)
      const before = this.#started.get(name)
      this.#started.set(name, text)
      const running = this.#processes.get(name)
      if (running === undefined) this.#launch(spec)
      else if (before !== text) void running.restart(spec)
    }
  }

  #specs(): Map<string, ProcessSpec> {
    const system = this.#system
    const specs = new Map<string, ProcessSpec>()
    for (const service of this.#services) {
      const env = serviceEnvironment(service, system, this.#addresses, this.#server)
      if (service.command !== undefined) {
        specs.set(service.name, { name: service.name, command: service.command, cwd: service.folder, env })
      }
      if (service.sidecar) {
        const name = sidecarName(service.name)
        specs.set(name, {
          name,
          command: ours('sidecar-process', system.file, service.name),
          cwd: system.dir,
          env: { ...env, ...ourEnvironment(system) },
        })
      }
    }
    const gatewayCalled = gatewayName(system)
    const gateway = this.#addresses.get(gatewayCalled)
    if (gateway !== undefined) {
      specs.set(gatewayCalled, {
        name: gatewayCalled,
        command: ours('gateway-process', system.file, String(gateway.port)),
        cwd: system.dir,
        env: {
          ...childEnvironment(system.dir),
          ...addressVariables(system, this.#addresses),
          ...ourEnvironment(system),
          GATEWAY_DATABASE_URL: this.#server.gateway,
        },
      })
    }
    return specs
  }

  #launch(spec: ProcessSpec): void {
    this.#log.introduce(spec.name)
    const supervised = new SupervisedProcess(spec, {
      line: (text) => this.#log.output(spec.name, text),
      started: (pid) => this.#log.event('started', `started, process ${pid}`, { about: spec.name, fields: { pid } }),
      crashed: (how, againInMs) =>
        this.#log.event('crashed', `${how}; starting it again in ${span(againInMs)}`, {
          about: spec.name,
          level: 'error',
          fields: { againInMs },
        }),
    })
    this.#processes.set(spec.name, supervised)
    supervised.start()
  }

  /** Watches what the system is made of. */
  async #follow(): Promise<void> {
    this.#watch?.close()
    if (this.#stop.signal.aborted) return
    const folders = this.#documentFolders()
    for (const service of this.#services) if (service.command !== undefined) folders.add(service.watched)
    this.#watch = await FolderWatch.open([...folders], {
      changed: (files) => this.#changed(files),
      failed: (error) =>
        this.#log.event('not-watching', `changes are not seen any more: ${error.message}`, { level: 'warn' }),
    })
  }

  #documentFolders(): Set<string> {
    const folders = new Set([dirname(this.#system.file)])
    for (const service of Object.values(this.#system.services)) {
      folders.add(dirname(service.location.file))
      for (const document of service.documents) {
        for (const file of [document.file, ...document.sidecars]) folders.add(dirname(file))
      }
    }
    return folders
  }

  #changed(files: readonly string[]): void {
    const documents = files.filter((file) => this.#isDocument(file))
    const sources = files.filter((file) => !documents.includes(file) && !passive(file))
    for (const service of this.#services) {
      const own = sources.filter((file) => file.startsWith(service.watched + sep))
      const running = this.#processes.get(service.name)
      if (own.length === 0 || running === undefined) continue
      const names = own.slice(0, 3).map((file) => relative(service.watched, file))
      const more = own.length > 3 ? ` and ${own.length - 3} more` : ''
      this.#log.event('restarting', `${names.join(', ')}${more} changed; restarting`, {
        about: service.name,
        fields: { files: own },
      })
      void running.restart()
    }
    if (documents.length > 0) this.#turn = this.#turn.then(() => this.#reload(documents))
  }

  #isDocument(file: string): boolean {
    if (!['.yaml', '.yml', '.json'].includes(extname(file)) || passive(file)) return false
    if (basename(file).startsWith('spandrel.')) return true
    for (const service of Object.values(this.#system.services)) {
      // What a document refers to stands beside it or below.
      if (service.documents.some((document) => file.startsWith(dirname(document.file) + sep))) return true
    }
    return false
  }

  async #reload(files: readonly string[]): Promise<void> {
    if (this.#stop.signal.aborted) return
    const names = files.map((file) => relative(this.#system.dir, file)).join(', ')
    this.#log.event('reloading', `${names} changed; reading the contracts again`, { fields: { files } })
    try {
      const read = await openSystem(this.#system.file, {
        ...process.env,
        ...addressVariables(this.#system, this.#addresses),
      })
      await this.#prepare(read)
      await this.#run()
      await this.#follow()
    } catch (error) {
      // What runs keeps running on the contracts of before.
      if (error instanceof BrokenSystem) {
        for (const text of await describeFindings(error.findings, this.#output)) {
          for (const line of text.split('\n')) this.#log.event('finding', line, { level: 'error' })
        }
      }
      const { what, fix } = complaint(error)
      this.#log.event('not-reloaded', `${what}; everything keeps running as before${fix ? ` (${fix})` : ''}`, {
        level: 'error',
      })
    }
  }

  async #announce(): Promise<void> {
    const { signal } = this.#stop
    const awaited = [...this.#addresses].filter(([name]) => this.#processes.has(name))
    const missing = new Set(awaited.map(([name]) => name))
    const timer = setTimeout(() => {
      for (const name of missing) {
        const port = this.#addresses.get(name)?.port
        this.#log.event('waiting', `does not listen on port ${port} yet (PORT says so in its environment)`, {
          about: name,
          level: 'warn',
        })
      }
    }, 15_000)
    signal.addEventListener('abort', () => clearTimeout(timer))
    await Promise.all(
      awaited.map(async ([name, { host, port }]) => {
        if (await listens(port, host, signal)) missing.delete(name)
      }),
    )
    clearTimeout(timer)
    if (signal.aborted) return
    const took = span(Date.now() - this.#startedAt)
    this.#log.event('ready', `${this.#system.name} is up after ${took}`, {
      fields: { services: Object.fromEntries([...this.#addresses].map(([name, { url }]) => [name, url])) },
    })
    const rows = [...this.#addresses].map(([name, address]) => [
      this.#output.paint('bold', name),
      address.url,
      address.instead === undefined
        ? this.#processes.has(name)
          ? ''
          : 'not started here'
        : `because ${address.instead} is in use by another program`,
    ])
    const idle = this.#services.filter(
      (service) => service.command === undefined && this.#system.services[service.name]?.dev === undefined,
    )
    this.#log.block([
      '',
      ...table(rows, { indent: 2 }),
      '',
      ...(idle.length > 0
        ? [
            `  ${count(idle.length, 'service')} without a \`dev\` command: ${idle.map((one) => one.name).join(', ')}`,
            '',
          ]
        : []),
      '  Changes restart what they belong to. Ctrl-C stops everything.',
      '',
    ])
  }
}

/** A program of ours beside this file, run the way this process was. */
function ours(name: string, ...args: readonly string[]): [string, ...string[]] {
  const file = new URL(`${name}${extname(import.meta.url)}`, import.meta.url)
  return [process.execPath, ...process.execArgv, fileURLToPath(file), ...args]
}

/** For processes of ours: the fingerprint restarts them when any document changed, and only then. */
function ourEnvironment(system: System): NodeJS.ProcessEnv {
  const cache = getCompileCacheDir()
  return { SPANDREL_SYSTEM: fingerprint(system), ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }) }
}

/** Files nobody runs. */
function passive(file: string): boolean {
  return /\.(?:md|txt|test\.[cm]?[jt]sx?|spec\.[cm]?[jt]sx?)$/.test(file) || file.includes(`${sep}.spandrel${sep}`)
}

/** Differs when anything a document says differs. */
function fingerprint(system: System): string {
  return createHash('sha256').update(JSON.stringify(system)).digest('base64url')
}
