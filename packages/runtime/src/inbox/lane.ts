/**
 * One subscription in one process: what was fetched or found due, what runs, what comes next.
 *
 *   transport ─fetch▶ pending ─┐
 *   held ──────scan▶ due ──────┼─select▶ job (a transaction) ─▶ done ▶ position, settle
 *   verdicts, results of acts ─┘             │
 *        ▲                                   └─▶ again, with a verdict or alone
 *
 * Keys. Messages of one key are in at most one job at a time and in order; the jobs of different keys overlap. As long
 * as jobs are quick there is one at a time, with all that arrived while the last one committed: fewer, larger
 * transactions are the fastest. Two exceptions: a full batch need not wait for the one before (measured: 1.4–1.9 times
 * the rate when draining; more than two did not add to that), and a job that takes longer than `patienceMs` no longer
 * keeps the others from starting theirs.
 */
import { faults } from '#faults'
import type { OpenTransaction } from '../database/database.ts'
import type { Logger } from '../service/loop.ts'
import type { Delivery, TransportSubscription } from '../transport/transport.ts'
import { Acts } from './acts.ts'
import { attemptsOf, type Entry, newEntry } from './entry.ts'
import { lastVerdict } from './failure.ts'
import { type HeldFound, type HeldScan, scanHeld } from './held-scan.ts'
import { journal, type JournalEntry } from './journal.ts'
import { type Job, type JobContext, type JobReport, runJob } from './job.ts'
import type { Subscription } from './operation.ts'
import type { ConsumerCall, ConsumerTuning } from './options.ts'
import { advance, mark } from './ownership-sql.ts'
import { markOf, OwnedPartition, type Taken } from './partition.ts'
import { Pauses } from './pauses.ts'
import { kindOf, prepare } from './prepare.ts'
import { judgeRequest } from './requests.ts'
import { select } from './select.ts'
import type { Slots } from './slots.ts'

export interface LaneOptions<Tx> {
  contract: JobContext<Tx>['contract']
  database: JobContext<Tx>['database']
  owner: string
  subscription: Subscription<Tx>
  source: TransportSubscription
  tuning: ConsumerTuning
  slots: Slots
  logger: Logger
  call: ConsumerCall | undefined
  onCommitted: () => void
  /** messages that run in this process, of all lanes */
  inFlight: () => number
  /** the fence said that a partition is somebody else's */
  onLost: () => void
  /** positions are no longer good; see `ownership.ts` */
  onIncarnation: (error: unknown) => void
}

/** Beside messages of other partitions, or with the process for itself. */
type Mark = 'beside' | 'alone'

/** A job that runs. */
interface Running<Tx> {
  readonly job: Job<Tx>
  readonly since: number
}

export class Lane<Tx> {
  readonly #options: LaneOptions<Tx>
  readonly #tuning: ConsumerTuning
  readonly #context: JobContext<Tx>
  readonly #partitions = new Map<number, OwnedPartition>()
  readonly #acts: Acts<Tx>
  readonly #pauses: Pauses
  readonly #running = new Set<Running<Tx>>()
  readonly #open = new Set<OpenTransaction<Tx>>()
  readonly #cutOff = new AbortController()
  /** keys in somebody's hands */
  readonly #busy = new Set<string>()
  /** operations that need transactions of their own */
  readonly #alone = new Set<string>()
  /** held messages that are due, by arrival; and those with a verdict or a result that waits for its commit */
  #due: Entry<Tx>[] = []
  /** live messages, by arrival */
  #pending: Entry<Tx>[] = []
  /** the message that has the process for itself */
  #apart: Entry<Tx> | undefined
  #stopping = false
  #troubleUntil = 0
  #troubles = 0
  #pumping = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #wakeFetch: (() => void) | undefined
  /** a level, so that no hint is lost between a read and the wait behind it */
  #fetchWanted = false
  /** the window is full: worth a look when a job has ended */
  #starved = false
  #waiters: (() => void)[] = []
  #fetching: Promise<void> | undefined
  #scanning: Promise<void> | undefined
  #scanWanted = true
  #scanAt = 0
  #heldVersion = 0
  #settled = new Map<number, number>()
  #settling: Promise<void> | undefined
  lastSuccess: number | null = null
  lastError: { at: number; message: string } | null = null

  constructor(options: LaneOptions<Tx>) {
    this.#options = options
    this.#tuning = options.tuning
    this.#pauses = new Pauses(options.tuning)
    const { subscription } = options
    const named = (policy: string): string[] =>
      subscription.operations.filter(({ onPoison }) => onPoison === policy).map(({ name }) => name)
    this.#context = {
      contract: options.contract,
      database: options.database,
      owner: options.owner,
      subscription,
      scope: {
        subscription: subscription.name,
        channel: subscription.channel,
        skip: named('skip'),
        serial: subscription.serial,
        rememberMs: options.tuning.rememberMs,
      },
      leaseMs: options.tuning.leaseMs,
      cutOff: this.#cutOff.signal,
      positions: (finished) => this.#positions(finished),
      track: (open, running) => {
        if (running) this.#open.add(open)
        else this.#open.delete(open)
      },
    }
    this.#acts = new Acts({
      contract: options.contract,
      database: options.database,
      owner: options.owner,
      leaseMs: options.tuning.leaseMs,
      renewMs: options.tuning.renewMs,
      cutOff: this.#cutOff.signal,
      call: options.call,
      owned: (entry) => this.#partitionOf(entry) !== undefined,
      ended: (entry, outage) => this.#acted(entry, outage),
    })
  }

  get name(): string {
    return this.#options.subscription.name
  }

  get source(): TransportSubscription {
    return this.#options.source
  }

  start(): void {
    const watch = this.#options.source.watch(() => this.#fetchNow())
    this.#fetching = this.#fetchLoop().then(() => watch.close())
    this.pump()
  }

  // Ownership ---------------------------------------------------------------------------------------------------

  owned(): ReadonlyMap<number, OwnedPartition> {
    return this.#partitions
  }

  take(taken: Taken): void {
    const partition = new OwnedPartition(taken, this.#tuning.maxBatch)
    this.#partitions.set(taken.partition, partition)
    this.#scanWanted = true
    this.#fetchNow()
    this.pump()
  }

  /** Somebody else's now: what is in hand is dropped, what runs will fail at the fence. */
  lose(number: number): void {
    this.#partitions.delete(number)
    this.#forget(number)
    this.#acts.abandon((entry) => entry.partition === number)
    this.#endApart()
    this.#tellWaiters()
  }

  /** The fence, or a renewal, found another owner. */
  lost(number: number, epoch: string): void {
    if (this.#partitions.get(number)?.epoch !== epoch) return
    this.#options.logger.warn(
      { subscription: this.name, partition: number },
      `${this.name}: partition ${number} was taken by another owner`,
    )
    this.lose(number)
    this.#options.onLost()
  }

  /** Takes nothing new of a partition; resolves when nothing of it runs. */
  async drain(number: number): Promise<void> {
    const partition = this.#partitions.get(number)
    if (partition === undefined) return
    partition.draining = true
    this.#keepUrgent((entry) => entry.partition === number)
    const busy = (): boolean => partition.running > 0 || this.#queued().some((entry) => entry.partition === number)
    this.pump()
    while (busy() && this.#partitions.get(number) === partition) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
    this.#forget(number)
    if (this.#partitions.get(number) !== partition) return
    await this.#writePosition(partition)
    this.#partitions.delete(number)
  }

  #forget(number: number): void {
    const others = (entry: Entry<Tx>): boolean => entry.partition !== number
    this.#due = this.#due.filter(others)
    this.#pending = this.#pending.filter(others)
  }

  #queued(): Entry<Tx>[] {
    return [...this.#due, ...this.#pending]
  }

  /**
   * Of those that are in question, keeps what is worth a commit before the end: the result of an act, the verdict on an
   * attempt that was made; and of each key only the first, because nothing before it will run any more.
   */
  #keepUrgent(inQuestion: (entry: Entry<Tx>) => boolean): void {
    const lanes = new Set<string>()
    const kept = (entry: Entry<Tx>): boolean => {
      if (!inQuestion(entry)) return true
      const first = !lanes.has(entry.lane)
      lanes.add(entry.lane)
      return first && isUrgent(entry)
    }
    this.#due = this.#due.filter(kept)
    this.#pending = this.#pending.filter(kept)
  }

  /** What is finished is finished, whoever owns the partition by now: this needs no fence. */
  async #writePosition(partition: OwnedPartition): Promise<void> {
    const { database, subscription, logger } = this.#options
    const { position } = partition.progress
    if (partition.written >= position) return
    const before = partition.written
    partition.written = position
    try {
      await database.query(advance, [subscription.name, [partition.partition], [position], []])
    } catch (error) {
      partition.written = before
      logger.warn({ error }, `${this.name}: the position of partition ${partition.partition} was not written`)
    }
  }

  // Fetching ----------------------------------------------------------------------------------------------------

  async #fetchLoop(): Promise<void> {
    while (!this.#stopping) {
      const after = new Map<number, number>()
      for (const [number, { draining, progress }] of this.#partitions)
        if (!draining) after.set(number, progress.fetched)
      const room = this.#bytes() < this.#tuning.maxBytes ? this.#tuning.window - this.#outstanding() : 0
      this.#fetchWanted = false
      this.#starved = room <= 0
      let count = 0
      if (after.size > 0 && room > 0 && performance.now() >= this.#troubleUntil) {
        try {
          count = await this.#fetch(after, room)
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'incarnation-changed')
            this.#options.onIncarnation(error)
          this.#troubled(error, 'reading the transport failed')
        }
      }
      if (count === 0) await this.#waitToFetch()
    }
  }

  async #fetch(after: ReadonlyMap<number, number>, room: number): Promise<number> {
    const asked = new Map([...after.keys()].map((number) => [number, this.#partitions.get(number)]))
    const limit = Math.min(room, this.#tuning.maxBatch)
    const deliveries = await this.#options.source.read(after, { limit, maxBytes: this.#tuning.maxReadBytes })
    this.lastSuccess = Date.now()
    if (deliveries.length === 0) return 0
    await faults.point('consumer.fetched')
    for (const delivery of deliveries) {
      const partition = this.#partitions.get(delivery.partition)
      // It may have been lost, or lost and taken again, while the transport was asked.
      if (partition === undefined || partition !== asked.get(delivery.partition) || partition.draining) continue
      this.#accept(partition, delivery)
    }
    this.pump()
    return deliveries.length
  }

  #accept(partition: OwnedPartition, delivery: Delivery): void {
    const { subscription } = this.#options
    partition.progress.fetch(delivery.offset)
    const entry = newEntry<Tx>({
      partition: delivery.partition,
      epoch: partition.epoch,
      offset: delivery.offset,
      envelope: { attributes: delivery.attributes, data: delivery.data },
      serial: subscription.serial,
    })
    if (delivery.offset === partition.died) {
      partition.died = undefined
      this.#buryCrashed(entry)
    }
    this.#pending.push(entry)
  }

  /** The process died while it tried this message with care: that was an attempt. */
  #buryCrashed(entry: Entry<Tx>): void {
    const { types, ignored } = this.#options.subscription
    const { type } = entry.envelope.attributes
    // Nothing here looks into a message that is not for this service: the process died of something else.
    if (ignored.has(type)) return
    const operation = types.get(type)?.operation
    const attempts = attemptsOf(entry) + 1
    const error = 'the process died while this message was being tried alone'
    const retry = operation?.guarantees.retry
    if (operation !== undefined && retry !== undefined && retry !== 'none' && attempts < retry.attempts) {
      // No jitter: a message that kills processes gets the whole delay.
      const delayMs = Math.min(retry.delayMs * 2 ** (attempts - 1), retry.maxDelayMs)
      entry.verdict = { kind: 'retry', attempts, delayMs, reason: 'crashed', error }
    } else if (operation !== undefined) entry.verdict = lastVerdict(operation, attempts, 'crashed', error)
    else entry.verdict = { kind: 'dead', attempts, reason: 'crashed', error }
  }

  #outstanding(): number {
    let count = this.#pending.length
    for (const { running } of this.#partitions.values()) count += running
    return count
  }

  #fetchNow(): void {
    this.#fetchWanted = true
    this.#wakeFetch?.()
  }

  /** Size of what is at hand. */
  #bytes(): number {
    let bytes = 0
    for (const { envelope } of this.#pending) bytes += envelope.data.length
    for (const { job } of this.#running) for (const { envelope } of job.entries) bytes += envelope.data.length
    return bytes
  }

  async #waitToFetch(): Promise<void> {
    if (this.#fetchWanted && !this.#starved && performance.now() >= this.#troubleUntil) return
    const pause = Math.max(this.#tuning.pollMs, this.#troubleUntil - performance.now())
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause)
      this.#wakeFetch = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#stopping) this.#wakeFetch()
    })
    this.#wakeFetch = undefined
    // The poll that finds due retries, requests and expiries.
    this.pump()
  }

  // Held messages -----------------------------------------------------------------------------------------------

  #scanIfWanted(now: number): void {
    if (this.#scanning !== undefined || this.#stopping || now < this.#troubleUntil) return
    if (!this.#scanWanted && now < this.#scanAt) return
    const scanning = this.#options.slots.tryRun(() => this.#scan())
    if (scanning === undefined) return
    this.#scanning = scanning.finally(() => {
      this.#scanning = undefined
      this.pump()
    })
  }

  async #scan(): Promise<void> {
    const partitions = [...this.#partitions.values()].filter(({ draining }) => !draining)
    this.#scanWanted = false
    const began = performance.now()
    this.#scanAt = began + this.#tuning.pollMs
    if (partitions.length === 0) return
    const version = this.#heldVersion
    const { subscription, scope } = this.#context
    let scan: HeldScan
    try {
      scan = await scanHeld(this.#options.database.query, {
        subscription: subscription.name,
        partitions: partitions.map(({ partition }) => partition),
        skip: scope.skip,
        serial: subscription.serial,
        limit: 200,
        run: 100,
      })
    } catch (error) {
      this.#scanWanted = true
      this.#troubled(error, 'reading the held messages failed')
      return
    }
    const took = performance.now() - began
    // Something committed in between: what was read may be gone by now.
    if (version !== this.#heldVersion) this.#scanWanted = true
    else this.#found(partitions, scan)
    // A scan that is dear is made less often.
    this.#scanAt =
      performance.now() + Math.max(Math.min(this.#tuning.pollMs, scan.nextMs ?? Number.POSITIVE_INFINITY), took * 10)
  }

  #found(partitions: readonly OwnedPartition[], scan: HeldScan): void {
    const { subscription } = this.#options
    // What has a verdict or a result is kept, and what goes before it in its key.
    const decided = new Set(this.#due.filter(isUrgent).map(({ lane }) => lane))
    const due = this.#due.filter(({ lane }) => decided.has(lane))
    const owned = new Map(partitions.map((partition) => [partition.partition, partition]))
    for (const found of scan.found) {
      const partition = owned.get(found.partition)
      if (partition === undefined || this.#partitions.get(found.partition) !== partition || partition.draining) continue
      const entry = newEntry<Tx>({
        partition: found.partition,
        epoch: partition.epoch,
        offset: 0,
        held: found.row,
        envelope: found.envelope,
        serial: subscription.serial,
        alone: this.#due.some(({ held, alone }) => alone && held?.id === found.row.id),
      })
      // In somebody's hands: found again when it is out of them.
      if (this.#busy.has(entry.lane) || decided.has(entry.lane)) continue
      if (found.what !== 'due') this.#judgeRequest(entry, found)
      else if (markOf({ offset: 0, held: found.row }) === partition.died) {
        partition.died = undefined
        this.#buryCrashed(entry)
      }
      due.push(entry)
    }
    this.#due = due.sort(byArrival)
    const busy = new Set(due.map(({ partition }) => partition))
    for (const partition of partitions) if (!busy.has(partition.partition)) partition.heldTried(true)
  }

  #judgeRequest(entry: Entry<Tx>, found: HeldFound): void {
    prepare(entry, this.#options.subscription, this.#options.contract)
    entry.verdict = judgeRequest(entry, found)
  }

  // Jobs --------------------------------------------------------------------------------------------------------

  /** Starts whatever can start. Called whenever something may have changed. */
  pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      const now = performance.now()
      this.#scanIfWanted(now)
      while (now >= this.#troubleUntil && !this.#cutOff.signal.aborted && this.#options.slots.free > 0) {
        if (!this.#options.slots.mayBegin(this)) break
        const chosen = select({
          only: this.#apart,
          due: this.#due,
          pending: this.#pending,
          busy: this.#busy,
          partitions: this.#partitions,
          pauses: this.#pauses,
          alone: this.#alone,
          room: this.#acts.room(this.#tuning.maxActs),
          maxBatch: this.#tuning.maxBatch,
          now,
          prepare: (entry) => prepare(entry, this.#options.subscription, this.#options.contract),
        })
        this.#wakeAt(chosen.again)
        if (chosen.alone) {
          if (!this.#options.slots.claimProcess(this) || this.#options.inFlight() > 0) break
          this.#apart = chosen.entries[0]
        } else if (this.#apart === undefined) this.#options.slots.shareProcess(this)
        if (chosen.entries.length === 0) break
        if (!chosen.single) {
          const waitUntil = this.#quickUntil(now, chosen.entries.length >= this.#tuning.maxBatch ? 2 : 1)
          if (waitUntil !== undefined) {
            this.#wakeAt(waitUntil)
            break
          }
        }
        this.#begin(chosen.entries, chosen.mark ? (chosen.alone ? 'alone' : 'beside') : undefined)
      }
      // Where no slot is free, whoever gives one back calls; and who stops looks for nothing any more.
      if (this.#options.slots.free > 0 && !this.#stopping) this.#wakeAt(Math.max(this.#scanAt, this.#troubleUntil))
    } finally {
      this.#pumping = false
    }
  }

  /** When the next job may begin although nothing ends; undefined: now. `beside`: quick jobs that may run at once. */
  #quickUntil(now: number, beside: number): number | undefined {
    const ends = [...this.#running].map(({ since }) => since + this.#tuning.patienceMs).filter((end) => end > now)
    return ends.length < beside ? undefined : ends.sort((a, b) => b - a)[beside - 1]
  }

  /** Something has ended: who waits for that looks again. */
  #tellWaiters(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }

  #begin(entries: readonly Entry<Tx>[], mark: Mark | undefined): void {
    const chosen = new Set(entries)
    const rest = (list: Entry<Tx>[]): Entry<Tx>[] => list.filter((entry) => !chosen.has(entry))
    this.#due = rest(this.#due)
    this.#pending = rest(this.#pending)
    for (const entry of entries) {
      if (this.#busy.has(entry.lane)) continue
      this.#busy.add(entry.lane)
    }
    for (const entry of entries) this.#partitionOf(entry)?.begin()
    const [first] = entries
    const running: Running<Tx> = {
      job: { kind: first === undefined ? 'record' : kindOf(first), entries },
      since: performance.now(),
    }
    this.#running.add(running)
    void this.#options.slots.tryRun(async () => {
      let report: JobReport<Tx> | undefined
      try {
        report = await this.#run(running.job, mark)
      } catch (error) {
        // A fault of ours: the messages stay where they are, and it shows.
        this.#troubled(error, 'a job failed')
      } finally {
        this.#running.delete(running)
        this.#ended(entries, report)
      }
    })
  }

  async #run(job: Job<Tx>, how: Mark | undefined): Promise<JobReport<Tx>> {
    const [entry] = job.entries
    if (how === undefined || entry === undefined) return runJob(this.#context, this.#beforeCommit(job))
    const { database, owner, subscription, contract } = this.#options
    const values = [subscription.name, entry.partition, entry.epoch, owner, markOf(entry), how === 'alone']
    const { rows } = await database.query(mark, values)
    if (rows.length === 0) {
      this.lost(entry.partition, entry.epoch)
      throw new Error(`partition ${entry.partition} of ${subscription.name} has another owner`)
    }
    entry.marked = true
    prepare(entry, subscription, contract)
    return runJob(this.#context, { kind: kindOf(entry), entries: job.entries })
  }

  /** The process is everybody's again, once the message that had it for itself has come to an end. */
  #endApart(): void {
    const entry = this.#apart
    if (entry === undefined) return
    const waits = entry.acted !== undefined && this.#queued().includes(entry)
    if (waits || (this.#busy.has(entry.lane) && this.#partitionOf(entry) !== undefined)) return
    this.#apart = undefined
    this.#options.slots.shareProcess(this)
  }

  /** The mutant that moves the position first, and asks questions later. */
  #beforeCommit(job: Job<Tx>): Job<Tx> {
    if (!faults.mutant('settle-before-commit')) return job
    const { database, subscription } = this.#options
    const positions = this.#positions(job.entries)
    if (positions.size > 0) {
      void database
        .query(advance, [subscription.name, [...positions.keys()], [...positions.values()], []])
        .catch(() => {})
      for (const [partition, position] of positions) this.#settled.set(partition, position)
      this.#settle()
    }
    return job
  }

  #positions(finished: readonly Entry<Tx>[]): ReadonlyMap<number, number> {
    const offsets = new Map<number, Set<number>>()
    for (const { partition, offset } of finished) {
      if (offset === 0) continue
      const known = offsets.get(partition)
      if (known === undefined) offsets.set(partition, new Set([offset]))
      else known.add(offset)
    }
    const positions = new Map<number, number>()
    for (const [number, set] of offsets) {
      const partition = this.#partitions.get(number)
      if (partition !== undefined) positions.set(number, partition.progress.withFinished(set))
    }
    return positions
  }

  /** A job is over: its entries are gone, or come back. */
  #ended(entries: readonly Entry<Tx>[], report: JobReport<Tx> | undefined): void {
    // What was lost while its claim was on its way must not be acted on: its lease runs out, and its new owner claims it.
    const acting = new Set(report?.acting.filter((entry) => this.#partitionOf(entry) !== undefined))
    for (const entry of entries) {
      if (acting.has(entry)) continue
      this.#busy.delete(entry.lane)
      this.#partitionOf(entry)?.end()
    }
    if (report === undefined) this.#putBack(entries)
    else this.#follow(report)
    for (const entry of acting) this.#acts.begin(entry)
    if (this.#starved) this.#fetchNow()
    // Nobody is left to write what the last jobs could not know of each other.
    if (this.#running.size === 0) for (const partition of this.#partitions.values()) void this.#writePosition(partition)
    this.#endApart()
    this.pump()
    this.#tellWaiters()
  }

  /** As it is owned now; undefined where that is not the ownership the entry was read under. */
  #partitionOf(entry: Entry<Tx>): OwnedPartition | undefined {
    const partition = this.#partitions.get(entry.partition)
    return partition?.epoch === entry.epoch ? partition : undefined
  }

  #follow(report: JobReport<Tx>): void {
    const finished = new Map<number, number[]>()
    for (const entry of report.done) {
      const partition = this.#partitionOf(entry)
      this.#acts.forget(entry)
      if (partition === undefined) continue
      partition.clear(entry)
      if (entry.held === undefined)
        finished.set(entry.partition, [...(finished.get(entry.partition) ?? []), entry.offset])
      else partition.heldTried(false)
      const operation = entry.prepared?.operation.name
      if (operation !== undefined && entry.verdict === undefined && this.#pauses.end(operation)) {
        this.#options.logger.info({ operation }, `${operation} goes on`)
        this.#journal({ kind: 'outage-ended', operation, subscription: this.name })
      }
    }
    for (const [number, position] of report.positions) {
      const partition = this.#partitions.get(number)
      if (partition !== undefined) partition.written = Math.max(partition.written, position)
    }
    for (const [number, offsets] of finished) {
      const partition = this.#partitions.get(number)
      if (partition === undefined) continue
      partition.progress.finish(offsets)
      this.#settled.set(number, partition.progress.position)
    }
    if (report.done.length > 0) {
      this.lastSuccess = Date.now()
      this.#troubles = 0
      this.#settle()
    }
    if (report.sent) this.#options.onCommitted()
    if (report.heldChanged) {
      this.#heldVersion++
      this.#scanWanted = true
      // Who was to follow a message that has just been held again waits with it; the scan says when it is due.
      const heldAgain = new Set(report.done.filter(({ verdict }) => verdict !== undefined).map(({ lane }) => lane))
      if (heldAgain.size > 0) this.#due = this.#due.filter(({ lane }) => !heldAgain.has(lane))
    }
    if (report.stayAlone !== undefined) this.#alone.add(report.stayAlone)
    if (report.outage !== undefined) {
      const { operation, outage } = report.outage
      this.#pause(operation, outage.message, outage.retryAfterMs)
    }
    for (const { partition, epoch } of report.lost) this.lost(partition, epoch)
    this.#putBack(report.again)
    if (report.trouble !== undefined) this.#troubled(report.trouble, 'a transaction failed')
  }

  /** What the operation depends on is down: it pauses, longer each time a probe finds it so. */
  #pause(operation: string, why: string, retryAfterMs: number | undefined): void {
    const known = this.#pauses.until(operation) !== undefined
    const pausedMs = Math.round(this.#pauses.begin(operation, retryAfterMs))
    this.#options.logger[known ? 'debug' : 'warn']({ operation, pausedMs }, `${operation} pauses: ${why}`)
    if (!known) this.#journal({ kind: 'outage', operation, subscription: this.name, why })
  }

  /** A line that belongs to no message's transaction; it is lost where the database does not answer. */
  #journal(entry: JournalEntry): void {
    journal(this.#options.database.query, [entry]).catch(() => {})
  }

  /** Entries to be done again, each where it was among the others of its key. */
  #putBack(entries: readonly Entry<Tx>[]): void {
    const mine = entries.filter((entry) => this.#partitionOf(entry) !== undefined)
    const live = mine.filter(({ held }) => held === undefined)
    if (live.length > 0) this.#pending = [...live, ...this.#pending].sort(byArrival)
    if (live.length < mine.length) {
      this.#due = [...mine.filter(({ held }) => held !== undefined), ...this.#due].sort(byArrival)
    }
    // Whoever drains keeps the first of each key at most; a verdict must not overtake what went before it.
    if (mine.length > 0) this.#keepUrgent((entry) => this.#stopping || this.#partitionOf(entry)?.draining === true)
  }

  /** An act has ended: `entry` has its result, or a verdict, or has to wait. */
  #acted(
    entry: Entry<Tx>,
    outage: { operation: string; retryAfterMs: number | undefined; message: string } | undefined,
  ): void {
    this.#busy.delete(entry.lane)
    this.#partitionOf(entry)?.end()
    if (outage !== undefined) this.#pause(outage.operation, outage.message, outage.retryAfterMs)
    this.#putBack([entry])
    this.#endApart()
    this.pump()
    this.#tellWaiters()
  }

  // Settling, trouble, time ---------------------------------------------------------------------------------------

  /** Tells the transport, one call at a time: a hint for trimming and lag, never needed. */
  #settle(): void {
    if (this.#settling !== undefined || this.#settled.size === 0) return
    const positions = this.#settled
    this.#settled = new Map()
    this.#settling = this.#options.source
      .settle(positions)
      .then(() => faults.point('consumer.settled'))
      .catch((error: unknown) => {
        for (const [partition, position] of positions)
          if (!this.#settled.has(partition)) this.#settled.set(partition, position)
        this.#failed(error, 'settling failed')
      })
      .finally(() => {
        this.#settling = undefined
        if (this.lastError === null || performance.now() >= this.#troubleUntil) this.#settleLater()
      })
  }

  #settleLater(): void {
    if (this.#settled.size > 0) setTimeout(() => this.#settle(), 10)
  }

  #failed(error: unknown, what: string): void {
    const message = `${this.name}: ${what}: ${error instanceof Error ? error.message : String(error)}`
    this.lastError = { at: Date.now(), message }
    if (!this.#stopping) this.#options.logger.warn({ error }, message)
  }

  /** Something that no message is to blame for: everything waits a little, longer each time. */
  #troubled(error: unknown, what: string): void {
    this.#failed(error, what)
    const pause = Math.min(this.#tuning.backoffMs * 2 ** Math.min(this.#troubles++, 16), this.#tuning.maxBackoffMs)
    this.#troubleUntil = performance.now() + pause * (0.5 + Math.random() / 2)
    this.#wakeAt(this.#troubleUntil)
  }

  #wakeAt(at: number): void {
    if (this.#stopping && this.#running.size === 0 && this.#queued().length === 0) return
    if (!Number.isFinite(at) || (this.#timer !== undefined && this.#timerAt <= at)) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#timerAt = Number.POSITIVE_INFINITY
        this.pump()
      },
      Math.max(1, at - performance.now()),
    )
  }

  // Health and stop -----------------------------------------------------------------------------------------------

  /** False while there is nothing to be done here: every partition is another replica's. */
  get active(): boolean {
    return this.#partitions.size > 0
  }

  gauges(): { running: number; pending: number; paused: number; partitions: number } {
    return {
      running: this.#outstanding() - this.#pending.length,
      pending: this.#pending.length,
      paused: this.#pauses.size,
      partitions: this.#partitions.size,
    }
  }

  /** Takes nothing new from now on. */
  halt(): void {
    this.#stopping = true
    this.#keepUrgent(() => true)
    this.#endApart()
    if (this.#apart === undefined) this.#options.slots.shareProcess(this)
    this.#wakeFetch?.()
  }

  /** Ends what is still running: its database connections first, so that nothing can commit any more. */
  cutOff(): void {
    this.#cutOff.abort()
    for (const open of this.#open) open.cut()
    this.#acts.abandon(() => true)
  }

  /** Resolves when the transport knows the positions, or could not be told. */
  async settled(): Promise<void> {
    await this.#settling
    this.#settle()
    await this.#settling
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#fetching
    await this.#scanning
    await this.#options.source.close()
  }

  /** Stops waiting for anything. */
  abandon(): void {
    clearTimeout(this.#timer)
    this.#options.source.close().catch(() => {})
  }
}

function isUrgent<Tx>(entry: Entry<Tx>): boolean {
  return entry.verdict !== undefined || entry.acted !== undefined
}

function byArrival<Tx>(a: Entry<Tx>, b: Entry<Tx>): number {
  return a.held !== undefined && b.held !== undefined
    ? Number(a.held.id) - Number(b.held.id)
    : a.partition - b.partition || a.offset - b.offset
}
