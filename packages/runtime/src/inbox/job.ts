/**
 * One transaction of a subscription's owner over some of its messages.
 *
 *   begin · fence · claims ─▶ handlers ─▶ records, messages sent, position ─▶ commit ─▶ (settle)
 *
 * - handle: plain handlers, or the `handle` of external ones whose act has a result
 * - batch:  one batch handler over all of them
 * - claim:  external: key records are claimed, the acts begin behind the commit
 * - record: no handler; verdicts are written
 *
 * A job never decides alone that a message is done: what its transaction committed is the truth, and whoever runs the
 * same messages again finds it there.
 */
import { faults } from '#faults'
import type { ServiceContract } from '../contract/service-contract.ts'
import type { Database, OpenTransaction } from '../database/database.ts'
import { isConnectionLost, isTransientFailure, sqlState } from '../database/failure.ts'
import { Outage } from '../errors.ts'
import { flushAll } from '../outbox/buffer.ts'
import { claimActs, finishActs } from './act-claims.ts'
import { claimAll, type Claimed, type ClaimScope, lookAll } from './claim.ts'
import { attemptsOf, type Entry } from './entry.ts'
import { blame, isVictim, judge, lastVerdict, OutOfTime } from './failure.ts'
import { readTaken } from './intents.ts'
import { HandlerFailed, invokeAll, invokeBatch } from './invoke.ts'
import { Ledger } from './ledger.ts'
import type { Subscription } from './operation.ts'
import { defaultTimeoutMs } from './options.ts'
import { advance, type Fenced, fenced } from './ownership-sql.ts'
import { together } from './together.ts'

export interface JobContext<Tx> {
  readonly contract: ServiceContract
  readonly database: Database<Tx>
  readonly owner: string
  readonly subscription: Subscription<Tx>
  readonly scope: ClaimScope
  readonly leaseMs: number
  /** aborted when a stop has run out of patience */
  readonly cutOff: AbortSignal
  /** the positions of these partitions, if these entries were finished */
  positions(finished: readonly Entry<Tx>[]): ReadonlyMap<number, number>
  /** called with each transaction that is open, and again when it has ended */
  track(open: OpenTransaction<Tx>, running: boolean): void
}

export type JobKind = 'handle' | 'batch' | 'claim' | 'record'

export interface Job<Tx> {
  readonly kind: JobKind
  readonly entries: readonly Entry<Tx>[]
}

export interface JobReport<Tx> {
  /** the commit says what became of them */
  done: Entry<Tx>[]
  /** to be done again; what is different then stands in the entry */
  again: Entry<Tx>[]
  /** claimed: their act may begin */
  acting: Entry<Tx>[]
  /** as they were written */
  positions: ReadonlyMap<number, number>
  sent: boolean
  heldChanged: boolean
  /** the fence said that these are somebody else's */
  lost: readonly Fenced[]
  /** pause everything: the database, or something of ours, is not well */
  trouble: unknown
  outage: { operation: string; outage: Outage } | undefined
  /** this operation needs transactions of its own */
  stayAlone: string | undefined
}

/** A statement nobody waits for any more must not keep the connection: the server ends it a little later. */
function statementMsOf<Tx>({ entries }: Job<Tx>): number {
  return Math.max(...entries.map(({ prepared }) => prepared?.operation.timeoutMs ?? defaultTimeoutMs)) + 1000
}

/** And where not even the server says so, the connection is dead, though nobody has closed it (FM26). */
const silenceMs = 4000

/** How far a job is, in words; for whoever wonders why it does not end. */
export interface Stage {
  is: 'waits for a connection' | 'marks its message' | 'takes its fence' | 'handles' | 'writes' | 'commits'
}

export async function runJob<Tx>(context: JobContext<Tx>, job: Job<Tx>, stage: Stage): Promise<JobReport<Tx>> {
  stage.is = 'waits for a connection'
  const report: JobReport<Tx> = {
    done: [],
    again: [],
    acting: [],
    positions: new Map(),
    sent: false,
    heldChanged: false,
    lost: [],
    trouble: undefined,
    outage: undefined,
    stayAlone: undefined,
  }
  let committing = false
  let tracked: OpenTransaction<Tx> | undefined
  const silence = setInterval(() => tracked?.cut(), statementMsOf(job) + silenceMs)
  try {
    await context.database.transaction(async (open) => {
      tracked = open
      context.track(open, true)
      stage.is = 'takes its fence'
      await work(context, job, open, report, stage)
      committing = true
      stage.is = 'commits'
    })
    await faults.point('consumer.committed')
  } catch (error) {
    report.done = []
    report.acting = []
    report.positions = new Map()
    report.again = [...job.entries]
    report.sent = false
    explain(context, job, report, error, committing)
  } finally {
    clearInterval(silence)
    if (tracked !== undefined) context.track(tracked, false)
  }
  return report
}

async function work<Tx>(
  context: JobContext<Tx>,
  job: Job<Tx>,
  open: OpenTransaction<Tx>,
  report: JobReport<Tx>,
  stage: Stage,
): Promise<void> {
  const { subscription, scope } = context
  const { query } = open
  const { entries } = job
  const { service, version } = context.contract
  const ledger = new Ledger(subscription, { service, version, rememberMs: scope.rememberMs })
  const handles = job.kind === 'handle' || job.kind === 'batch'
  const acted = entries[0]?.acted !== undefined
  const [lost, claims] = await together([
    fenced(query, {
      subscription: subscription.name,
      owner: context.owner,
      partitions: [...new Map(entries.map(({ partition, epoch }) => [partition, { partition, epoch }])).values()],
      statementMs: statementMsOf(job),
    }),
    handles ? claimAll(query, scope, entries, !acted) : lookAll(query, scope, entries),
  ])
  if (lost.length > 0) throw new PartitionsLost(lost)
  await faults.point('consumer.claimed')
  stage.is = 'handles'

  const toRun = sortOut(entries, claims, ledger)
  const ready = await claimIntents(context, job, open, toRun, ledger, report)
  const invoked = !handles || ready.length === 0 ? undefined : await invoke(context, job, open, ready)
  if (handles) for (const entry of ready) ledger.handled(entry)
  else if (job.kind === 'record')
    for (const entry of ready) if (entry.verdict !== undefined) ledger.pronounce(entry, entry.verdict)
  if (job.kind === 'claim') report.acting = ready

  stage.is = 'writes'
  for (const { entry, text } of invoked?.notes ?? []) ledger.note('note', entry, { why: text })
  if (acted)
    for (const entry of ready) for (const text of entry.acted?.notes ?? []) ledger.note('note', entry, { why: text })
  const unfinished = new Set([...report.again, ...report.acting])
  report.done = entries.filter((entry) => !unfinished.has(entry))
  const buffers = (invoked?.buffers ?? []).filter(({ size }) => size > 0)
  report.sent = buffers.length > 0 || ledger.sends
  report.heldChanged = ledger.touchesHeld
  const positions = new Map(context.positions(report.done))
  const marked = report.done.filter((entry) => entry.marked).map(({ partition }) => partition)
  // A position never moves back: 0 leaves it where it is.
  for (const partition of marked) if (!positions.has(partition)) positions.set(partition, 0)
  report.positions = positions
  await together([
    ...ledger.write(query),
    ...(buffers.length > 0 ? [flushAll(buffers, query)] : []),
    ...(positions.size > 0
      ? [query(advance, [subscription.name, [...positions.keys()], [...positions.values()], marked])]
      : []),
  ])
  await faults.point('consumer.handled')
}

/** What is known of a message decides first. Returns what is left to do. */
function sortOut<Tx>(
  entries: readonly Entry<Tx>[],
  claims: readonly Claimed[],
  ledger: Ledger<Tx>,
): { entry: Entry<Tx>; keyTaken: boolean }[] {
  const toRun: { entry: Entry<Tx>; keyTaken: boolean }[] = []
  entries.forEach((entry, index) => {
    const { standing, keyTaken } = claims[index] ?? { standing: 'known', keyTaken: false }
    if (faults.mutant('any-record-suppresses') && attemptsOf(entry) > 0)
      return ledger.duplicate(entry, 'an attempt is on record')
    if (faults.mutant('keys-off') && standing !== 'behind') return toRun.push({ entry, keyTaken: false })
    if (standing === 'new') toRun.push({ entry, keyTaken })
    else if (standing === 'behind') ledger.behind(entry)
    else ledger.duplicate(entry, standing === 'held' ? 'it is held' : 'it was handled before')
  })
  return toRun
}

/** Sees to the intent keys: claimed by others, or to be claimed for an act. Returns the entries that may go on. */
async function claimIntents<Tx>(
  context: JobContext<Tx>,
  job: Job<Tx>,
  { query }: OpenTransaction<Tx>,
  toRun: readonly { entry: Entry<Tx>; keyTaken: boolean }[],
  ledger: Ledger<Tx>,
  report: JobReport<Tx>,
): Promise<Entry<Tx>[]> {
  let ready = toRun.filter(({ keyTaken }) => !keyTaken).map(({ entry }) => entry)
  let taken = toRun.filter(({ keyTaken }) => keyTaken).map(({ entry }) => entry)
  if (job.kind === 'claim' && ready.length > 0) {
    const mine = { subscription: context.subscription.name, owner: context.owner, leaseMs: context.leaseMs }
    const claims = await claimActs(query, mine, ready)
    ready.forEach((entry, index) => {
      entry.claim = claims[index]
    })
    taken = ready.filter(({ claim }) => claim === undefined)
    ready = ready.filter(({ claim }) => claim !== undefined)
  } else if (job.kind === 'handle' && ready[0]?.acted !== undefined) {
    const lost = await finishActs(query, context.owner, context.scope.rememberMs, ready)
    // Somebody else acts for it now, or will; this result is not the one that counts.
    if (lost.length > 0 && !faults.mutant('keys-off')) throw new ClaimLost(lost)
  }
  if (taken.length === 0) return ready
  const answers = await readTaken(query, taken)
  taken.forEach((entry, index) => {
    const answer = answers[index] ?? { kind: 'free' }
    if (faults.mutant('keys-off')) ready.push(entry)
    else if (answer.kind === 'done') ledger.suppressed(entry, answer.by)
    else if (answer.kind === 'reuse' && entry.prepared !== undefined) {
      if (job.kind !== 'claim') ledger.unclaim(entry)
      const text = `its key was used with another payload by ${answer.by.id} of ${answer.by.source}`
      ledger.pronounce(entry, lastVerdict(entry.prepared.operation, attemptsOf(entry), 'key-reuse', text))
    } else if (faults.mutant('any-record-suppresses')) {
      ledger.suppressed(entry, { source: entry.envelope.attributes.source, id: entry.envelope.attributes.id })
    } else {
      if (job.kind !== 'claim') ledger.unclaim(entry)
      entry.notBefore = performance.now() + (answer.kind === 'busy' ? Math.min(Math.max(answer.waitMs, 10), 250) : 0)
      report.again.push(entry)
    }
  })
  return ready
}

class PartitionsLost extends Error {
  readonly partitions: readonly Fenced[]

  constructor(partitions: readonly Fenced[]) {
    super('a partition has another owner')
    this.partitions = partitions
  }
}

class ClaimLost<Tx> extends Error {
  readonly entries: readonly Entry<Tx>[]

  constructor(entries: readonly Entry<Tx>[]) {
    super('the claim of an act was lost')
    this.entries = entries
  }
}

async function invoke<Tx>(
  context: JobContext<Tx>,
  job: Job<Tx>,
  open: OpenTransaction<Tx>,
  ready: readonly Entry<Tx>[],
): ReturnType<typeof invokeAll<Tx>> {
  const alone = job.entries.length === 1
  try {
    return await (job.kind === 'batch'
      ? invokeBatch(context, open, ready, alone)
      : invokeAll(context, open, ready, alone))
  } catch (error) {
    // A handler may have lost a connection of its own, to something else. Ours says which it was.
    if (error instanceof HandlerFailed && sqlState(error.cause) === undefined && isConnectionLost(error.cause)) {
      const ours = await open.query('select 1').then(
        () => true,
        (probe: unknown) => isVictim(probe),
      )
      if (ours)
        throw new HandlerFailed(error.entry as Entry<Tx>, new Error(`a connection failed: ${String(error.cause)}`))
    }
    throw error
  }
}

/** Decides what is different when the entries of a failed job are done again. */
function explain<Tx>(
  context: JobContext<Tx>,
  job: Job<Tx>,
  report: JobReport<Tx>,
  error: unknown,
  committing: boolean,
): void {
  const { entries } = job
  if (error instanceof ClaimLost) {
    for (const entry of error.entries as readonly Entry<Tx>[]) {
      entry.acted = undefined
      entry.claim = undefined
    }
    return
  }
  if (error instanceof HandlerFailed) return blameHandler(job, report, error as HandlerFailed<Tx>)
  if (error instanceof PartitionsLost) {
    report.lost = error.partitions
    return
  }
  if (isTransientFailure(error)) {
    const state = sqlState(error)
    // Two that got in each other's way will not do so again one by one.
    if (state === '40001' || state === '40P01') for (const entry of entries) entry.alone = true
    else report.trouble = error
    return
  }
  if (committing && (job.kind === 'handle' || job.kind === 'batch')) {
    // Constraints that are checked at commit are the handler's own doing.
    const [only] = entries
    if (entries.length === 1 && only?.prepared !== undefined) {
      only.verdict = judge(only.prepared.operation, attemptsOf(only) + 1, error)
    } else for (const entry of entries) entry.alone = true
    return
  }
  // One of our own statements: nobody's attempt, and nothing that a dead letter could cure.
  report.trouble = error
  void context
}

function blameHandler<Tx>(job: Job<Tx>, report: JobReport<Tx>, { entry, cause }: HandlerFailed<Tx>): void {
  const operation = entry.prepared?.operation
  if (operation === undefined) return
  const shared = job.entries.length > 1
  const others = job.entries.filter((other) => other !== entry)
  switch (blame(cause)) {
    case 'nobody':
      entry.alone = true
      if (sqlState(cause) === undefined || isConnectionLost(cause) || sqlState(cause)?.startsWith('53') === true)
        report.trouble = cause
      return
    case 'outage':
      report.outage = { operation: operation.name, outage: outageOf(cause) }
      return
    case 'refused':
      if (shared) {
        entry.alone = true
        report.stayAlone = operation.name
        return
      }
      break
    case 'attempt':
  }
  if (shared && (job.kind === 'batch' || cause instanceof OutOfTime)) {
    // Whose fault it was cannot be told, or its time was its neighbours' too: one by one, and nothing is counted yet.
    for (const other of job.entries) other.alone = true
    return
  }
  entry.verdict = judge(operation, attemptsOf(entry) + 1, cause)
  for (const other of others) other.alone = true
}

function outageOf(cause: unknown): Outage {
  return cause instanceof Outage ? cause : new Outage(String(cause))
}
