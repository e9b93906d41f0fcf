/**
 * `spandrel verify` on the shop itself. HTTP: each service directly and through the gateway, two processes of each on one
 * database, what they depend on behind fault proxies. Messages: each service alone, killed and started. Every guarantee
 * that the five services declare must be PASS; what verify finds here is a defect of ours.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { loadSystem, type Service } from '@spandrel/contract'
import {
  type FaultProxy,
  judge,
  messageFacts,
  planService,
  type Profile,
  profiles,
  run,
  StreamRoad,
  type VerifyReport,
} from '@spandrel/verify'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { API_KEYS } from '../src/road/storefronts.ts'
import { Road } from '../src/road/road.ts'
import { Apart, proxied } from './verify-messages.ts'

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
let stream: StreamRoad
let apart: Apart
let services: Readonly<Record<string, Service>>
const proxies = new Map<string, FaultProxy>()

async function between(from: string, name: string, url: string): Promise<string> {
  const { proxy, url: instead } = await proxied(name, url)
  proxies.set(`${from} ${name}`, proxy)
  return instead
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
  stream = await StreamRoad.open(road.databases.stream)
  apart = await Apart.start({ postgres, directory })
  const { system } = await loadSystem(join(SHOP, 'spandrel.yaml'), { env: { ...road.variables } })
  services = system!.services
}, 120_000)

afterAll(async () => {
  await stream?.close()
  await Promise.all([road?.stop(), apart?.stop()])
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

async function verified({ service: name, ...way }: Way): Promise<VerifyReport> {
  const file = join(directory, `${name}-${way.instances.length}.jsonl`)
  const service = services[name]!
  // What requests send, and what becomes of accepted work; what is received is attacked apart.
  const facts = { ...messageFacts(service), receives: [] }
  const requested = { ...facts, sends: facts.sends.filter(({ shownBy }) => shownBy.some(isRequest(service))) }
  const { records } = await run({
    plan: planService(service),
    profile,
    seed: 7,
    file,
    messages: { facts: requested, stream },
    ...way,
  })
  return await noted(`${name}, ${way.instances.length} instances`, judge(records), file)
}

const isRequest =
  ({ name, operations }: Service) =>
  ({ ref }: { ref: string }): boolean =>
    operations[ref.slice(name.length + 1)] !== undefined

/** guarantee → what every run said of it */
const verdicts = new Map<string, Set<string>>()

async function noted(title: string, report: VerifyReport, file: string): Promise<VerifyReport> {
  for (const { ref, member, verdict } of report.results) {
    const guarantee = `${ref} ${member}`
    verdicts.set(guarantee, (verdicts.get(guarantee) ?? new Set()).add(verdict))
  }
  // The command says the same of it, and its exit code is the verdict.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=spandrel-source', MAIN, 'verify', '--judge', file],
    { maxBuffer: 1e8 },
  ).catch((error: unknown) => error as { stdout: string })
  console.log(`${title}\n${stdout}`)
  return report
}

function notPassed({ results }: VerifyReport): string[] {
  if (results.length < 3) return ['hardly anything was tried']
  return results
    .filter(
      ({ ref, member, verdict }) => verdict !== 'PASS' && !(verdict === 'NOT TESTED' && `${ref} ${member}` in argued),
    )
    .map(({ ref, member, verdict }) => `${ref} ${member} ${verdict}`)
}

describe.concurrent('the shop keeps what it declares', () => {
  // Orders asks payments: what holds up one is felt by the other. Inventory asks nobody.
  it.each([[['orders', 'payments']], [['inventory']]])(
    'requests: %j',
    async (chain) => {
      for (const service of chain)
        for (const way of [directly, throughTheGateway]) expect(notPassed(await verified(way(service)))).toEqual([])
    },
    240_000,
  )

  it.each(['inventory', 'payments', 'shipping', 'orders', 'ledger'])(
    'messages: %s',
    async (name) => {
      const file = join(directory, `${name}-messages.jsonl`)
      const report = await apart.verify(services[name]!, profile, { file })
      expect(notPassed(await noted(`messages of ${name}`, report, file))).toEqual([])
    },
    240_000,
  )
})

/** What no run can show, and why. */
const argued: Readonly<Record<string, string>> = {
  'orders.askToReleaseStock completion': 'several services keep it together',
  'orders.askToRefundPayment completion': 'several services keep it together',
  'payments.quotePrice retry': 'it says what callers may do, and is no behaviour of payments',
}

it('nothing that the five services declare is left out', () => {
  const declared = Object.values(services)
    .filter(({ external }) => !external)
    .flatMap(({ name, operations, sends, receives }) =>
      [operations, sends, receives].flatMap((kind) =>
        Object.values(kind).flatMap(({ operation, guarantees }) =>
          Object.keys(guarantees.declared).map((member) => `${name}.${operation} ${member}`),
        ),
      ),
    )
  for (const one of Object.keys(argued)) expect(declared).toContain(one)
  const passed = declared.filter((one) => [...(verdicts.get(one) ?? [])].join() === 'PASS')
  const tested = declared.filter((one) =>
    [...(verdicts.get(one) ?? ['NOT TESTED'])].some((verdict) => verdict !== 'NOT TESTED'),
  )
  console.log(
    `${declared.length} guarantees declared by five services, ${tested.length} tested, ${passed.length} passed`,
  )
  expect(declared.length).toBeGreaterThan(100)
  expect(declared.filter((one) => !passed.includes(one))).toEqual(Object.keys(argued))
})
