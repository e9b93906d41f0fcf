/**
 * One run against a service: preflight, stimulate, let it settle, count. It decides nothing: everything it did and saw
 * is in the history, and judge.ts reads that.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { sendChecks } from '../checks/all-messages.ts'
import { checks as allChecks } from '../checks/all.ts'
import { History } from '../history/history.ts'
import type { Commit, CutRecord, Untested } from '../history/records.ts'
import { Secrets } from '../history/secrets.ts'
import { leftAlone, planOperation, type PlannedOperation, type ServicePlan } from '../plan/plan.ts'
import { plainlyAnswered } from '../history/trial-view.ts'
import type { Ledger, Planted } from '../ledger/ledger.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import type { Stimulus } from '../stimuli/stimulus.ts'
import type { HeaderList } from '../wire/outgoing.ts'
import type { FaultProxy } from '../faults/tcp-proxy.ts'
import { Attack, type Given } from './attack.ts'
import { Budget, type OperationBudget, TimeIsUp } from './budget.ts'
import { cleanUp } from './clean-up.ts'
import { type Counters, countLast, lastWaitMs, Probe, settle } from './count-effects.ts'
import { Liveness } from './liveness.ts'
import { type MessageOptions, MessageWork } from './message-run.ts'
import { pool } from './pool.ts'
import { inTwoParts, type Profile, profiles } from './profile.ts'
import type { ServiceProcess } from './service-process.ts'

export interface RunOptions {
  readonly plan: ServicePlan
  /** base URLs, one for each instance */
  readonly instances: readonly string[]
  readonly callers?: readonly HeaderList[]
  /** headers of a caller of another tenant */
  readonly tenant?: HeaderList
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
  readonly counters?: Counters
  /** what is checked out; written into the history and the report */
  readonly commit?: Commit
  /** what the service does with messages, and how it can be seen */
  readonly messages?: MessageOptions
  /** how to kill and start the service */
  readonly process?: ServiceProcess
  /** where keys are planted for a later run */
  readonly ledger?: Ledger
  /** nothing is done but to send these again, of `ledger` */
  readonly due?: readonly Planted[]
  readonly onProgress?: (words: string) => void
  readonly signal?: AbortSignal
}

interface AttackLimits {
  readonly profile: Profile
  readonly budget: OperationBudget
  readonly callMs: number
}

/** Enough to be quick, few enough not to be a load test. */
const together = 4

export async function run(options: RunOptions): Promise<History> {
  const { instances, callers = [], dependencies = [], profile = profiles.default } = options
  const tell = options.onProgress ?? (() => {})
  const seed = options.seed ?? randomInt(1, 2 ** 31)
  const prefix = `v${seed.toString(36)}${Date.now().toString(36)}`
  const secrets = new Secrets([...callers, ...(options.tenant === undefined ? [] : [options.tenant])])
  const history = new History(options.file, secrets)
  let counter = 0
  const next = (kind: string): string =>
    // None is a part of another: a probe may look for what contains it.
    kind === 'k' || kind === 'm' ? `${prefix}-${kind}${String(++counter).padStart(5, '0')}x` : `${kind}${++counter}`
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
          instances,
          ...(options.process !== undefined && { process: options.process }),
          ...(options.check !== undefined && { check: options.check }),
          ...(options.signal !== undefined && { signal: options.signal }),
        })
  // An effect that nothing else counts is counted by the messages that show it.
  const shown = options.plan.operations.flatMap((operation) => {
    const count = work?.counterOf(operation)
    return count === undefined ? [] : [{ operation, count }]
  })
  const plan: ServicePlan = {
    ...options.plan,
    operations: options.plan.operations.map((operation) =>
      shown.some((one) => one.operation === operation)
        ? { ...operation, probe: { ...operation.probe, oracle: 'strong' } }
        : operation,
    ),
  }
  const counters = {
    ...Object.fromEntries(shown.map((one) => [one.operation.operation, one.count])),
    ...options.counters,
  }
  const attacked = plan.operations.filter((operation) => leftAlone(operation) === undefined)
  const givenFor = (operation: OperationFacts): Given => ({
    instances,
    callers,
    dependencies,
    ...(options.tenant !== undefined && { tenant: options.tenant }),
    siblings: attacked.filter((one) => one !== operation),
    leftOut: plan.leftOut,
    schemas: plan.schemas,
    callbackUrl: (ref, trial) => work?.callbackUrl(ref, trial),
    ...(options.process !== undefined && { process: options.process }),
    ...(options.ledger !== undefined && { ledger: options.ledger }),
    ...(options.due !== undefined && { due: options.due }),
  })
  const needed = options.due === undefined ? stimuliOf(options.check) : ['due']
  const chosen = (one: PlannedOperation): PlannedOperation =>
    needed === undefined || needed.includes('*')
      ? one
      : { ...one, stimuli: one.stimuli.filter(({ id }) => needed.includes(id)) }
  const planned = attacked.map((operation) => chosen(planOperation(operation, givenFor(operation), profile)))
  history.add({
    type: 'run',
    version: 2,
    run: prefix,
    seed,
    started: new Date().toISOString(),
    ...(options.commit !== undefined && { commit: options.commit }),
    profile: profile.name,
    instances: { [plan.service]: instances },
    operations: plan.operations,
    schemas: { [plan.service]: plan.schemas },
    planned: Object.fromEntries(planned.map(({ operation, stimuli }) => [operation.ref, stimuli.map(({ id }) => id)])),
    // What is due is all this is about.
    untested:
      options.due !== undefined
        ? []
        : [...untouched(plan.operations), ...planned.flatMap(({ untested }) => untested), ...(work?.untested ?? [])],
    volatile: options.volatile ?? [],
    ...(work !== undefined && { messages: work.facts }),
  })

  const { needed: first, more } = inTwoParts(profile)
  const budget = new Budget(profile, history.clock)
  const probe = new Probe(history, instances[0] ?? '', callers[0] ?? [], counters)
  const afterwards: (() => Promise<void>)[] = []
  const attackOn = (operation: OperationFacts, limits: Partial<AttackLimits> = {}): Attack =>
    new Attack({
      operation,
      given: givenFor(operation),
      profile: first,
      history,
      secrets,
      run: prefix,
      probe,
      next,
      schemas: plan.schemas,
      afterwards,
      random: randomFrom(seed),
      ...(options.signal !== undefined && { signal: options.signal }),
      ...limits,
    })
  const settlesMs = Math.min(
    Math.max(0, ...attacked.map(({ probe: { settlesMs } }) => settlesMs)),
    profile.settleCapMs,
    profile.serviceMs / 4,
  )
  /** Of the service's time, for the planted keys, for what settles, and for counting twice. */
  const reserveMs = (): number => settlesMs + lastWaitMs(settlesMs) + 2 * probe.countingMs(counter / 2)

  const life = new Liveness(history)
  const stopWatching = watchLag(history)
  try {
    const usable: Usable[] = []
    for (const one of planned) {
      options.signal?.throwIfAborted()
      const { ref, probe: facts } = one.operation
      tell(`${ref}: one call, one effect?`)
      const [began, share] = [history.clock(), budget.operation({ settlesMs: countedMs(facts), reserveMs })]
      try {
        const latencyMs = await preflight(attackOn(one.operation, { budget: share }), probe)
        if (latencyMs !== undefined) usable.push({ one, latencyMs, spentMs: history.clock() - began })
      } catch (error) {
        if (!(error instanceof TimeIsUp)) throw error
        for (const { id } of one.stimuli) history.add(cutRecord(error, ref, id, history.clock()))
      }
    }
    for (const { one, latencyMs, spentMs } of usable) {
      if (life.gone) break
      const { operation } = one
      const share = budget.operation({ spentMs, settlesMs: countedMs(operation.probe), reserveMs })
      const limits = { budget: share, callMs: latencyMs }
      const say = (stimuli: readonly Stimulus[]): void =>
        tell(`${operation.ref}: ${stimuli.map(({ id }) => id).join(', ')}${timeLeft(share, budget)}`)
      const tryIt = async (attack: Attack, stimulus: Stimulus): Promise<TimeIsUp | undefined> => {
        options.signal?.throwIfAborted()
        try {
          attack.need(stimulus.lasts?.(attack, latencyMs) ?? latencyMs)
          if (life.gone) return undefined
          try {
            await orAborted(stimulus.run(attack, latencyMs), options.signal)
          } finally {
            await life.look()
          }
          return undefined
        } catch (error) {
          if (error instanceof TimeIsUp) return error
          throw error
        }
      }
      const attack = attackOn(operation, limits)
      await inOrder(one.stimuli, say, async (stimulus) => {
        const cut = await tryIt(attack, stimulus)
        if (life.gone) return
        const [{ ref }, { id }, at] = [operation, stimulus, history.clock()]
        history.add(
          cut === undefined ? { type: 'done', ref, stimulus: id, at } : { ...cutRecord(cut, ref, id, at), latencyMs },
        )
      })
      if (more === undefined) continue
      const again = attackOn(operation, { ...limits, profile: more })
      const counted = one.stimuli.filter((stimulus) => stimulus.counted)
      await inOrder(counted, say, async (stimulus) => void (await tryIt(again, stimulus)))
    }
    // The time of a profile is for requests; messages take what their retries and time-outs take.
    const messagesAt = history.clock()
    if (!life.gone) await work?.run(usable.map(({ one }) => attackOn(one.operation)))
    budget.extend(history.clock() - messagesAt)
    tell('the keys planted first')
    if (!life.gone) await pool(together, afterwards, (work) => work())
    options.signal?.throwIfAborted()
    const counted = usable.map(({ one }) => one.operation)
    const settling = { history, operations: counted, probe, budget, tell, signal: options.signal }
    await settle(settling)
    const finishedAt = history.clock()
    await work?.finish()
    budget.extend(history.clock() - finishedAt)
    await countLast(settling)
    return history
  } finally {
    stopWatching()
    await work?.close()
    // Also where it was stopped: what it made is there all the same.
    tell('cleaning up')
    await cleanUp(history, attacked, instances[0]!, callers[0] ?? [], profile)
  }
}

/** How long effects are waited for, until the last count. */
function countedMs({ settlesMs }: OperationFacts['probe']): number {
  return settlesMs + lastWaitMs(settlesMs)
}

interface Usable {
  readonly one: PlannedOperation
  readonly latencyMs: number
  readonly spentMs: number
}

/** A stimulus may wait for minutes: Ctrl-C does not. */
async function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await work
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason as Error)
  signal.addEventListener('abort', abort)
  work.catch(() => {})
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function cutRecord({ by, limitMs }: TimeIsUp, ref: string, stimulus: string, at: number): CutRecord {
  return { type: 'cut', ref, stimulus, at, by, limitMs }
}

/** The key to be kept before anything else, then what wants to be alone, then the others, a few at a time. */
async function inOrder(
  stimuli: readonly Stimulus[],
  say: (stimuli: readonly Stimulus[]) => void,
  work: (stimulus: Stimulus) => Promise<void>,
): Promise<void> {
  const [alone, others] = [stimuli.filter((one) => one.alone), stimuli.filter((one) => !one.alone)]
  const planted = others.filter(({ id }) => id === 'kept')
  const last = others.filter((one) => one.last === true)
  const rest = others.filter((one) => !planted.includes(one) && !last.includes(one))
  for (const stimulus of [...planted, ...alone]) {
    say([stimulus])
    await work(stimulus)
  }
  if (rest.length > 0) say(rest)
  await pool(together, rest, work)
  for (const stimulus of last) {
    say([stimulus])
    await work(stimulus)
  }
}

/** ` (3.2 s left, 15 s of the service)`; nothing where as long may be taken as it takes. */
function timeLeft(share: OperationBudget, budget: Budget): string {
  if (!Number.isFinite(share.leftMs())) return ''
  const seconds = (ms: number): string => `${(Math.max(0, ms) / 1000).toFixed(1)} s`
  return ` (${seconds(share.leftMs())} left, ${seconds(budget.leftMs())} for the service)`
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

/** A few plain calls (one of a slow service): do they work, how long do they take, and does the probe see one effect of each? */
async function preflight(attack: Attack, probe: Probe): Promise<number | undefined> {
  const { operation, history } = attack
  const times: number[] = []
  for (let call = 0; call < 3; call++) {
    // A slow service would have nothing left for anything else.
    if (times.length > 0 && times[0]! * 2 > attack.leftMs / 10) break
    const trial = attack.trial('baseline', 'one plain call')
    const before = await probe.read(operation, trial.marker, attack.leftMs)
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
    const until = history.clock() + Math.min(operation.probe.settlesMs, attack.leftMs)
    for (;;) {
      const reading = await probe.read(operation, trial.marker, attack.leftMs)
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
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]
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
