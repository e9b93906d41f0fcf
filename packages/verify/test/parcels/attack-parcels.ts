/** Runs `verify` against the parcel service as a user would: its processes started and killed, its stream looked at. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { loadSystem, type System } from '@spandrel/contract'
import { migrateService, migrateStream, registrationOf } from '@spandrel/runtime/operate'
import pg from 'pg'
import { freePort } from '../../../cli/src/embedded/index.ts'
import { FaultProxy } from '../../src/faults/tcp-proxy.ts'
import { judge } from '../../src/judge/judge.ts'
import { messageFacts } from '../../src/plan/message-facts.ts'
import { planService, type ServicePlan } from '../../src/plan/plan.ts'
import { run } from '../../src/run/run.ts'
import { ServiceProcess } from '../../src/run/service-process.ts'
import { StreamRoad } from '../../src/wire/stream.ts'
import { type Attacked, unhurried } from '../attack-server.ts'
import type { ParcelBug } from './bugs.ts'
import { parcels } from './parcels.contract.ts'

export interface ParcelOptions {
  bug?: ParcelBug | undefined
  seed?: number
  /** only these operations */
  only?: readonly string[]
  /** only what leads to this check */
  check?: string
  /** messages are pushed, not appended */
  push?: 'binary' | 'structured'
  /** it may be killed; default true */
  kill?: boolean
  /** its carrier may be broken; default false */
  carrier?: boolean
  /** plain Node, or on the runtime */
  make?: 'plain' | 'runtime'
  /** no operation shows the effects of requests: only messages do */
  blind?: boolean
  /** what its consumer declares instead: `onPoison: skip`, without an order or with it */
  contract?: 'skip' | 'skip-ordered' | undefined
  file?: string
  signal?: AbortSignal
  onProgress?: (words: string) => void
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export async function parcelSystem(contract?: ParcelOptions['contract']): Promise<System> {
  const { system, findings } = await loadSystem(
    here(contract === undefined ? 'spandrel.yaml' : `${contract}.spandrel.yaml`),
  )
  if (system === undefined) throw new Error(`the contract has errors: ${JSON.stringify(findings)}`)
  return system
}

/** `admin`: a Postgres to make a database in. */
export async function attackParcels(admin: string, options: ParcelOptions = {}): Promise<Attacked> {
  const began = performance.now()
  const database = await makeDatabase(admin, options)
  const closing: (() => Promise<unknown>)[] = [database.drop]
  try {
    const card = await startCarrier()
    closing.unshift(card.close)
    const proxy = await FaultProxy.start({
      name: 'carrier',
      listen: { host: '127.0.0.1', port: 0 },
      target: { host: '127.0.0.1', port: card.port },
    })
    closing.unshift(() => proxy.close())
    const port = await freePort()
    const service = new Service(
      options,
      database.url,
      port,
      options.carrier === true ? `http://127.0.0.1:${proxy.port}` : undefined,
    )
    closing.unshift(() => service.kill())
    const base = `http://127.0.0.1:${port}`
    const process = new ServiceProcess({ control: service, ready: [service.ready(base)] })
    await process.start()
    const stream = await StreamRoad.open(database.url)
    closing.unshift(() => stream.close())
    const system = await parcelSystem(options.contract)
    const own = system.services['parcels']!
    const history = await run({
      plan: options.blind === true ? blindly(planService(own, options.only)) : planService(own, options.only),
      instances: [base],
      dependencies: options.carrier === true ? [proxy] : [],
      profile: unhurried,
      ...(options.check !== undefined && { check: options.check }),
      ...(options.kill !== false && { process }),
      messages: {
        facts: messageFacts(own, options.only),
        stream,
        ...(options.push !== undefined && { push: { url: `${base}/events`, mode: options.push } }),
      },
      ...(options.seed !== undefined && { seed: options.seed }),
      ...(options.file !== undefined && { file: options.file }),
      ...(options.signal !== undefined && { signal: options.signal }),
      ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
    })
    return { report: judge(history.records), records: history.records, tookMs: performance.now() - began }
  } finally {
    for (const close of closing) await close()
  }
}

/** As if `x-probe` had no `read`. */
function blindly(plan: ServicePlan): ServicePlan {
  return {
    ...plan,
    operations: plan.operations.map((operation) => {
      const { read: _read, count: _count, ...probe } = operation.probe
      return { ...operation, probe: { ...probe, oracle: { weak: 'x-probe has no `read`' } } }
    }),
  }
}

/** The service in a process of its own. */
class Service {
  readonly #options: ParcelOptions
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined

  constructor(options: ParcelOptions, database: string, port: number, carrier: string | undefined) {
    const { PATH, NODE_COMPILE_CACHE } = process.env
    this.#options = options
    this.#env = {
      PATH,
      NODE_COMPILE_CACHE,
      DATABASE_URL: database,
      SPANDREL_TRANSPORT_URL: database,
      PORT: String(port),
      ENDS_WITH: 'stdin',
      ...(carrier !== undefined && { CARRIER: carrier }),
      ...(options.bug !== undefined && { BUG: options.bug }),
      ...(options.push !== undefined && { STREAM: 'off' }),
      ...(options.contract !== undefined && { ON_POISON: 'skip' }),
    }
  }

  ready(base: string): string {
    return this.#options.make === 'runtime' ? `${base}/.spandrel/ready` : `${base}/ready`
  }

  async start(): Promise<void> {
    const main = here(this.#options.make === 'runtime' ? 'runtime-twin.ts' : 'server.ts')
    this.#child = spawn(process.execPath, ['--conditions=spandrel-source', main], {
      env: this.#env,
      // Its end is the end of whoever started it, however that died.
      stdio: ['pipe', 'ignore', 'inherit'],
    })
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}

export async function makeDatabase(admin: string, { make = 'plain' }: Pick<ParcelOptions, 'make'> = {}) {
  const name = `p_${randomBytes(6).toString('hex')}`
  const root = new pg.Client(admin)
  await root.connect()
  await root.query(`create database ${name}`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 4 })
  pool.on('error', () => {})
  const generated = registrationOf(parcels)
  // Of many partitions a poison may have one to itself, and nobody can tell what it holds back. The runtime has its own.
  const few = generated.channels.map((one) =>
    make === 'plain' && one.address === 'parcels.paid' ? { ...one, partitions: 4 } : one,
  )
  const registration = { ...generated, channels: few }
  await migrateStream(pool, registration)
  if (make === 'runtime') await migrateService(pool, registration)
  await pool.query(await readFile(here(make === 'runtime' ? 'runtime-schema.sql' : 'schema.sql'), 'utf8'))
  const drop = async (): Promise<void> => {
    await pool.end()
    await root.query(`drop database ${name} with (force)`)
    await root.end()
  }
  return { url: url.href, drop }
}

async function startCarrier() {
  const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { port: (server.address() as AddressInfo).port, close }
}
