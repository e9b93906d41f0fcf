/** Runs `verify` against the order server as a user would: two instances, a card service behind the fault proxy. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { checkDocuments } from '@spandrel/contract'
import { FaultProxy } from '../src/faults/tcp-proxy.ts'
import type { HistoryRecord } from '../src/history/records.ts'
import { judge } from '../src/judge/judge.ts'
import type { VerifyReport } from '../src/judge/verdict.ts'
import { dueNow, Ledger, type Planted } from '../src/ledger/ledger.ts'
import { planService, type ServicePlan } from '../src/plan/plan.ts'
import { type Profile, profiles } from '../src/run/profile.ts'
import { run, type RunOptions } from '../src/run/run.ts'
import { type Bug, type BugName, bugs } from './servers/bugs.ts'
import { OrderServer, type OrderServerOptions, startCard, Store } from './servers/order-server.ts'

export interface Attacked {
  report: VerifyReport
  records: readonly HistoryRecord[]
  tookMs: number
}

export const contract = fileURLToPath(new URL('servers/orders.openapi.yaml', import.meta.url))

export async function planOf(document = contract, only?: readonly string[]): Promise<ServicePlan> {
  const { system, findings } = await checkDocuments([document])
  if (system === undefined) throw new Error(`the contract has errors: ${JSON.stringify(findings)}`)
  return planService(Object.values(system.services)[0]!, only)
}

export const callers = [[['X-Api-Key', 'ann']], [['X-Api-Key', 'bob']]] as const

/** Many of these run at once, on machines that do other things: how long `quick` may take is tested by itself. */
export const unhurried: Profile = { ...profiles.quick, operationMs: 120_000, serviceMs: 300_000 }

/** Attacks servers that are there already. */
export async function attack(options: Pick<RunOptions, 'plan' | 'instances'> & Partial<RunOptions>): Promise<Attacked> {
  const began = performance.now()
  const history = await run({ callers, profile: unhurried, ...options })
  return { report: judge(history.records), records: history.records, tookMs: performance.now() - began }
}

export async function attackOrders(
  bug: BugName | undefined,
  more: {
    only?: readonly string[]
    server?: OrderServerOptions
    seed?: number
    second?: OrderServerOptions
    card?: boolean
  } = {},
): Promise<Attacked> {
  const plan = await planOf(contract, more.only)
  const card = await startCard()
  const proxy = await FaultProxy.start({
    name: 'card',
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '127.0.0.1', port: card.port },
  })
  const store = new Store()
  const base = { store, bug, card: `http://127.0.0.1:${proxy.port}`, ...more.server }
  const servers = [await OrderServer.start(base), await OrderServer.start({ ...base, ...more.second })]
  try {
    return await attack({
      plan,
      instances: servers.map(({ url }) => url),
      dependencies: more.card === false ? [] : [proxy],
      ...(more.seed !== undefined && { seed: more.seed }),
    })
  } finally {
    await Promise.all([...servers.map((server) => server.close()), proxy.close(), card.close()])
  }
}

/** `placeOrder/sequential`, without the service. */
export function failures(report: VerifyReport): string[] {
  return report.results
    .flatMap(({ checks }) => checks)
    .filter(({ verdict }) => verdict === 'FAIL')
    .map(({ finding }) => finding.slice(finding.indexOf('.') + 1))
    .sort()
}

/** The contract with something of it changed. */
export async function changedPlan(change: (text: string) => string, only?: readonly string[]): Promise<ServicePlan> {
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-contract-'))
  try {
    const file = join(folder, 'orders.openapi.yaml')
    await writeFile(file, change(await readFile(contract, 'utf8')))
    return await planOf(file, only)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Plants keys that are kept for 10 s, and sends them again: shortly before that time ends, and after it. */
export async function attackRetention(bug: BugName | undefined, seed?: number): Promise<VerifyReport[]> {
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-ledger-'))
  const plan = await changedPlan((text) => text.replaceAll('retention: P1D', 'retention: PT10S'), ['placeOrder'])
  const server = await OrderServer.start({ bug, retentionMs: 10_000 })
  const given = { plan, instances: [server.url], ...(seed !== undefined && { seed }) }
  try {
    const ledger = Ledger.open(join(folder, 'ledger.jsonl'), plan.service)
    const { report } = await attack({ ...given, ledger })
    const reports = [report]
    for (const send of ['before', 'after'] as const) {
      const due = (): Planted[] => dueNow(ledger.open(), Date.now()).filter((one) => one.send === send)
      while (due().length === 0) {
        if (ledger.open().length === 0) throw new Error('no key was planted')
        await pause(20)
      }
      reports.push((await attack({ ...given, ledger, due: due() })).report)
    }
    return reports
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** With keys of refunds that belong to a tenant, or to the shop that a header names. */
export async function attackScoped(
  refundScope: 'tenant' | 'shop',
  more: { bug?: BugName; seed?: number } = {},
): Promise<Attacked> {
  const scope = refundScope === 'tenant' ? 'tenant' : '{ by: $request.header.X-Shop }'
  const header = 'parameters: [{ name: X-Shop, in: header, required: true, schema: { type: string, default: one } }]'
  const plan = await changedPlan(
    (text) =>
      text
        .replace('scope: global', `scope: ${scope}`)
        .replace('operationId: requestRefund', `operationId: requestRefund\n      ${header}`),
    ['requestRefund'],
  )
  const server = await OrderServer.start({ refundScope, bug: more.bug })
  try {
    return await attack({
      plan,
      instances: [server.url],
      ...(refundScope === 'tenant' && { tenant: [['X-Api-Key', 'cat']] as const }),
      ...(more.seed !== undefined && { seed: more.seed }),
    })
  } finally {
    await server.close()
  }
}

/** What is found of a defect; `only` and `card`: what it has no use for is left out. */
export async function findingsOfBug(
  name: BugName,
  more: { only?: readonly string[]; seed?: number; card?: boolean } = {},
): Promise<string[]> {
  const { refundScope, bug } = bugs[name] as Bug
  if (refundScope !== undefined)
    return failures((await attackScoped(refundScope, { ...more, bug: (bug ?? name) as BugName })).report)
  if (!/retention|expired/.test(name)) return failures((await attackOrders(name, more)).report)
  return [...new Set((await attackRetention(name, more.seed)).flatMap(failures))]
}
