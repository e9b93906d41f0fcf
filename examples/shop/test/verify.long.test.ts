/**
 * `spandrel verify` on the shop itself: each service with HTTP operations directly and through the gateway, two
 * processes of each on one database, what they depend on behind fault proxies. Every guarantee they declare must be
 * PASS; what verify finds here is a defect of ours.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loadSystem, type Service } from '@spandrel/contract'
import { FaultProxy, judge, planService, type Profile, profiles, run, type VerifyReport } from '@spandrel/verify'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { API_KEYS } from '../src/road/storefronts.ts'
import { Road } from '../src/road/road.ts'

const SHOP = fileURLToPath(new URL('../', import.meta.url))
const MAIN = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))

/** As `quick`, with the time that ten seconds of a declared `timeout` take: this runs on every push. */
const profile: Profile = {
  ...profiles.quick,
  stallMs: 2000,
  timeoutMs: 30_000,
  operationMs: 120_000,
  serviceMs: 300_000,
}

let directory: string
let road: Road
let services: Readonly<Record<string, Service>>
const proxies = new Map<string, FaultProxy>()

/** A proxy between `from` and what `url` names; the URL to use instead. */
async function between(from: string, name: string, url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const target = { host: hostname, port: Number(port || 5432) }
  const proxy = await FaultProxy.start({ name, listen: { host: '127.0.0.1', port: 0 }, target })
  proxies.set(`${from} ${name}`, proxy)
  return Object.assign(new URL(url), { host: `127.0.0.1:${proxy.port}` }).href
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shop-verify-'))
  const postgres = inject('postgres')
  road = await Road.start({
    postgres: (database) => Object.assign(new URL(postgres), { pathname: `/${database}` }).href,
    prefix: `v${process.pid}_`,
    seed: 7,
    directory,
    twice: ['orders', 'payments', 'inventory'],
    async environment(member, env) {
      const [, service] = /^(orders|payments|inventory)$/.exec(member) ?? []
      const changed: Record<string, string> = { ...env }
      if (service !== undefined) changed['DATABASE_URL'] = await between(service, 'database', env['DATABASE_URL']!)
      if (service === 'orders') changed['PAYMENTS_URL'] = await between('orders', 'payments', env['PAYMENTS_URL']!)
      if (member !== 'gateway') return changed
      for (const name of ['orders', 'payments', 'inventory'])
        changed[`${name.toUpperCase()}_URL`] = await between('gateway', name, env[`${name.toUpperCase()}_URL`]!)
      return changed
    },
  })
  const { system } = await loadSystem(join(SHOP, 'spandrel.yaml'), { env: { ...road.variables } })
  services = system!.services
}, 120_000)

afterAll(async () => {
  await road?.stop()
  for (const proxy of proxies.values()) await proxy.close()
  await rm(directory, { recursive: true, force: true })
})

interface Way {
  service: string
  instances: readonly string[]
  callers: readonly (readonly (readonly [string, string])[])[]
  dependencies: readonly FaultProxy[]
}

const behind = (from: string): FaultProxy[] =>
  [...proxies].filter(([name]) => name.startsWith(`${from} `)).map(([, proxy]) => proxy)

function directly(service: string): Way {
  return {
    service,
    instances: [road.urls[service]!, road.urls[`${service}-2`]!],
    // Services of the shop believe what stands before them: the gateway in the other runs.
    callers: [[['Spandrel-Caller', 'key:web']], [['Spandrel-Caller', 'key:app']]],
    dependencies: behind(service),
  }
}

function throughTheGateway(service: string): Way {
  return {
    service,
    instances: [road.url],
    callers: [[['X-Api-Key', API_KEYS[0]!]], [['X-Api-Key', API_KEYS[1]!]]],
    dependencies: [proxies.get(`gateway ${service}`)!],
  }
}

async function verified({ service, ...way }: Way): Promise<{ report: VerifyReport; said: string }> {
  const file = join(directory, `${service}-${way.instances.length}.jsonl`)
  const history = await run({ plan: planService(services[service]!), profile, seed: 7, file, ...way })
  // The command says the same of it, and its exit code is the verdict.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=spandrel-source', MAIN, 'verify', '--judge', file],
    { maxBuffer: 1e8 },
  ).catch((error: unknown) => error as { stdout: string })
  return { report: judge(history.records), said: stdout }
}

// Orders asks payments: what holds up one is felt by the other. Inventory asks nobody.
describe.concurrent('the shop keeps what it declares', () => {
  it.each([[['orders', 'payments']], [['inventory']]])(
    '%j',
    async (chain) => {
      for (const service of chain) {
        for (const way of [directly, throughTheGateway]) {
          const { report, said } = await verified(way(service))
          console.log(`${service}, ${way.name}\n${said}`)
          const verdicts = report.results.map(({ ref, member, verdict }) => `${ref} ${member} ${verdict}`)
          expect(verdicts.filter((line) => !line.endsWith(' PASS'))).toEqual([])
          expect(report.guarantees.tested).toBe(report.guarantees.declared)
          expect(report.guarantees.declared).toBeGreaterThan(2)
        }
      }
    },
    240_000,
  )
})
