/**
 * One run against a service: preflight, stimulate, let it settle, count. It decides nothing: everything it did and saw
 * is in the history, and judge.ts reads that.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { sendChecks } from '../checks/all-messages.ts'
import { checks as allChecks } from '../checks/all.ts'
import { History } from '../history/history.ts'
import type { Commit, EffectsRecord, InvokeRecord, Untested } from '../history/records.ts'
import { leftAlone, planOperation, type PlannedOperation, type ServicePlan } from '../plan/plan.ts'
import { plainlyAnswered } from '../history/trial-view.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import { countOf, probeRequest } from '../request/build-request.ts'
import type { HeaderList } from '../wire/outgoing.ts'
import { prepare } from '../wire/prepare.ts'
import type { FaultProxy } from '../faults/tcp-proxy.ts'
import { Attack, type Given } from './attack.ts'
import { cleanUp } from './clean-up.ts'
import { type MessageOptions, MessageWork } from './message-run.ts'
import { type Profile, profiles } from './profile.ts'
import type { ServiceProcess } from './service-process.ts'

export interface RunOptions {
  readonly plan: ServicePlan
  /** base URLs, one for each instance */
  readonly instances: readonly string[]
  readonly callers?: readonly HeaderList[]
  readonly dependencies?: readonly FaultProxy[]
  readonly profile?: Profile
  /** decides where in the time of the first late copies are sent; default: by chance */
  readonly seed?: number
  /** where the history is written too */
  readonly file?: string
  readonly volatile?: readonly string[]
  /** only the stimuli that this check judges */
  readonly check?: string
  /** operation → how many effects a marker has, in place of its probe's `read`; see `counted` of planService */
  readonly counters?: Readonly<Record<string, (marker: string) => Promise<number>>>
  /** what is checked out; written into the history and the report */
  readonly commit?: Commit
  /** what the service does with messages, and how it can be seen */
  readonly messages?: MessageOptions
  /** how to kill and start the service */
  readonly process?: ServiceProcess
  readonly onProgress?: (words: string) => void
  readonly signal?: AbortSignal
}

/** Enough to be quick, few enough not to be a load test. */
const together = 4

export async function run(options: RunOptions): Promise<History> {
  const { plan, instances, callers = [], dependencies = [], profile = profiles.default } = options
  const tell = options.onProgress ?? (() => {})
  const seed = options.seed ?? randomInt(1, 2 ** 31)
  const prefix = `v${seed.toString(36)}${Date.now().toString(36)}`
  const history = new History(options.file)
  const attacked = plan.operations.filter((operation) => leftAlone(operation) === undefined)
  const givenFor = (operation: OperationFacts): Given => ({
    instances,
    callers,
    dependencies,
    siblings: attacked.filter((one) => one !== operation),
    ...(options.process !== undefined && { process: options.process }),
  })
  const needed = stimuliOf(options.check)
  const chosen = (one: PlannedOperation): PlannedOperation =>
    needed === undefined || needed.includes('*')
      ? one
      : { ...one, stimuli: one.stimuli.filter(({ id }) => needed.includes(id)) }
  const planned = attacked.map((operation) => chosen(planOperation(operation, givenFor(operation), profile)))
  let counter = 0
  const next = (kind: string): string =>
    kind === 'k' || kind === 'm' ? `${prefix}-${kind}${++counter}` : `${kind}${++counter}`
  const work =
    options.messages === undefined
      ? undefined
      : await MessageWork.begin(options.messages, {
          history,
          profile,
          prefix,
          dependencies,
          next,
          tell,
          headers: callers[0] ?? [],
          counters: options.counters ?? {},
          ...(instances[0] !== undefined && { base: instances[0] }),
          ...(options.process !== undefined && { process: options.process }),
          ...(options.check !== undefined && { check: options.check }),
          ...(options.signal !== undefined && { signal: options.signal }),
        })
  history.add({
    type: 'run',
    version: 1,
    run: prefix,
    seed,
    started: new Date().toISOString(),
    ...(options.commit !== undefined && { commit: options.commit }),
    profile: profile.name,
    instances: { [plan.service]: instances },
    operations: plan.operations,
    schemas: { [plan.service]: plan.schemas },
    untested: [
      ...untouched(plan.operations),
      ...planned.flatMap(({ untested }) => untested),
      ...(work?.untested ?? []),
    ],
    volatile: options.volatile ?? [],
    ...(work !== undefined && { messages: work.facts }),
  })

  const afterwards: (() => Promise<void>)[] = []
  const attackOn = (operation: OperationFacts): Attack =>
    new Attack({
      operation,
      given: givenFor(operation),
      profile,
      history,
      next,
      schemas: plan.schemas,
      afterwards,
      random: randomFrom(seed),
    })
  const probe = new Probe(history, instances[0] ?? '', callers[0] ?? [], options.counters)

  const stopWatching = watchLag(history)
  try {
    const usable: { one: PlannedOperation; latencyMs: number }[] = []
    for (const one of planned) {
      options.signal?.throwIfAborted()
      tell(`${one.operation.ref}: one call, one effect?`)
      const latencyMs = await preflight(attackOn(one.operation), probe)
      if (latencyMs !== undefined) usable.push({ one, latencyMs })
    }
    for (const { one, latencyMs } of usable) {
      const attack = attackOn(one.operation)
      const [alone, others] = [
        one.stimuli.filter((stimulus) => stimulus.alone),
        one.stimuli.filter((stimulus) => !stimulus.alone),
      ]
      // The key to be kept is planted before anything else.
      const [planted, rest] = [others.filter(({ id }) => id === 'kept'), others.filter(({ id }) => id !== 'kept')]
      for (const stimulus of [...planted, ...alone]) {
        options.signal?.throwIfAborted()
        tell(`${one.operation.ref}: ${stimulus.id}`)
        await stimulus.run(attack, latencyMs)
      }
      tell(`${one.operation.ref}: ${rest.map(({ id }) => id).join(', ')}`)
      await pool(together, rest, async (stimulus) => {
        options.signal?.throwIfAborted()
        await stimulus.run(attack, latencyMs)
      })
    }
    await work?.run(usable.map(({ one }) => attackOn(one.operation)))
    tell('the keys planted first')
    for (const work of afterwards) await work()
    options.signal?.throwIfAborted()
    await settle(history, plan.operations, profile, probe, tell, options.signal)
    await work?.finish()
    return history
  } finally {
    stopWatching()
    // Also where it was stopped: what it made is there all the same.
    tell('cleaning up')
    await cleanUp(history, attacked, instances[0]!, callers[0] ?? [])
  }
}

/** Undefined: all of them. What is sent is judged from everything; what is received, from no request. */
function stimuliOf(check: string | undefined): readonly string[] | undefined {
  if (check === undefined || sendChecks.some(({ id }) => id === check)) return undefined
  return allChecks.find(({ id }) => id === check)?.stimuli ?? []
}

/** Notes when a timer comes late: then times say more about this machine than about the service. */
function watchLag(history: History): () => void {
  const every = 20
  let last = history.clock()
  const timer = setInterval(() => {
    const now = history.clock()
    const ms = Math.round(now - last - every)
    last = now
    if (ms >= 10) history.add({ type: 'lag', at: now, ms })
  }, every)
  return () => clearInterval(timer)
}

function untouched(operations: readonly OperationFacts[]): Untested[] {
  return operations.flatMap((operation) => {
    const why = leftAlone(operation)
    return why === undefined || why === 'it only reads' ? [] : [{ ref: operation.ref, check: '*', why }]
  })
}

/** A few plain calls: do they work, how long do they take, and does the probe see one effect of each? */
async function preflight(attack: Attack, probe: Probe): Promise<number | undefined> {
  const { operation, history } = attack
  const times: number[] = []
  for (let call = 0; call < 3; call++) {
    const trial = attack.trial('baseline', 'one plain call')
    const before = await probe.read(operation, trial.marker)
    history.add({
      type: 'effects',
      ref: operation.ref,
      trial: trial.id,
      marker: `${trial.marker}:before`,
      at: history.clock(),
      settled: false,
      ...before,
    })
    const end = await trial.send({ role: 'first' })
    if (!plainlyAnswered(operation, end)) return undefined
    times.push(end.lastByteAt! - end.sentAt!)
    const until = history.clock() + operation.probe.settlesMs
    for (;;) {
      const reading = await probe.read(operation, trial.marker)
      if (
        operation.probe.oracle !== 'strong' ||
        reading.count === undefined ||
        reading.count >= 1 ||
        history.clock() > until
      ) {
        history.add({
          type: 'effects',
          ref: operation.ref,
          trial: trial.id,
          marker: trial.marker,
          at: history.clock(),
          settled: false,
          ...reading,
        })
        break
      }
      await pause(20)
    }
  }
  // The first call of a process is slow: connections, caches. The median of three is a good day's.
  return times.sort((a, b) => a - b)[1]
}

/** Waits until every effect had its time, then counts each marker. */
async function settle(
  history: History,
  operations: readonly OperationFacts[],
  profile: Profile,
  probe: Probe,
  tell: (words: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const strong = operations.filter(({ probe: { oracle } }) => oracle === 'strong')
  const byRef = new Map(strong.map((operation) => [operation.ref, operation]))
  const invokes = history.records.filter(
    (record): record is InvokeRecord => record.type === 'invoke' && byRef.has(record.ref),
  )
  if (invokes.length === 0) return
  const used = new Set(invokes.map(({ ref }) => ref))
  const longest = Math.max(...strong.filter(({ ref }) => used.has(ref)).map((operation) => operation.probe.settlesMs))
  const wait = Math.min(longest, profile.settleCapMs)
  tell(`waiting ${(wait / 1000).toFixed(1)} s for effects to settle`)
  await pause(wait, undefined, { signal })
  const markers = new Map(invokes.map((invoke) => [`${invoke.trial} ${invoke.marker}`, invoke]))
  let done = 0
  await pool(8, [...markers.values()], async ({ trial, marker, ref }) => {
    const operation = byRef.get(ref)!
    const reading = await probe.read(operation, marker)
    const settled = operation.probe.settlesMs <= wait
    history.add({ type: 'effects', ref, trial, marker, at: history.clock(), settled, ...reading })
    if (++done % 20 === 0) tell(`counting effects: ${done} of ${markers.size}`)
  })
}

class Probe {
  readonly #history: History
  readonly #base: string
  readonly #headers: HeaderList
  readonly #counters: NonNullable<RunOptions['counters']>

  constructor(history: History, base: string, headers: HeaderList, counters: RunOptions['counters'] = {}) {
    this.#history = history
    this.#counters = counters
    this.#base = base
    this.#headers = headers
  }

  async read(operation: OperationFacts, marker: string): Promise<Pick<EffectsRecord, 'count' | 'why'>> {
    const counter = this.#counters[operation.operation]
    if (counter !== undefined) {
      return await counter(marker).then(
        (count) => ({ count }),
        (error: unknown) => ({ why: `the database said: ${error instanceof Error ? error.message : String(error)}` }),
      )
    }
    const request = probeRequest(operation, this.#base, marker, this.#headers)
    if (request === undefined)
      return { why: operation.probe.oracle === 'strong' ? 'there is no probe' : operation.probe.oracle.weak }
    let why = ''
    for (let attempt = 0; attempt < 3; attempt++) {
      const prepared = prepare(request, { clock: this.#history.clock, timeoutMs: 5000 })
      await prepared.ready
      prepared.release()
      const { outcome } = await prepared.done
      if (outcome.kind === 'answer') {
        const count = countOf(operation, outcome.answer.status, outcome.answer.body)
        if (typeof count === 'number') return { count }
        why = count
      } else why = outcome.why
    }
    return { why }
  }
}

async function pool<T>(width: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
