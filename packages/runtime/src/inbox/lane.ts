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
import type { Delivery, TransportSubscription } from '../transport/transport.ts'
import { Acts } from './acts.ts'
import { Alarm } from './alarm.ts'
import { claimScope } from './claim.ts'
import { buryCrashed } from './crashed.ts'
import { type Entry, newEntry } from './entry.ts'
import { Fetching } from './fetching.ts'
import { HeldLook } from './held-look.ts'
import { type Job, type JobContext, type JobReport, runJob, type Stage } from './job.ts'
import type { LaneOptions } from './lane-options.ts'
import type { ConsumerTuning } from './options.ts'
import { advance, mark } from './ownership-sql.ts'
import { OwnedPartitions } from './owned-partitions.ts'
import { markOf, OwnedPartition, type Taken } from './partition.ts'
import { Pauses } from './pauses.ts'
import { kindOf, prepare } from './prepare.ts'
import { Queue } from './queue.ts'
import { Overdue, quickUntil, type Running } from './running.ts'
import { select } from './select.ts'
import { Settling } from './settling.ts'
import { Trouble } from './trouble.ts'

/** Beside messages of other partitions, or with the process for itself. */
type Mark = 'beside' | 'alone'

export class Lane<Tx> {
  readonly #options: LaneOptions<Tx>
  readonly #tuning: ConsumerTuning
  readonly #context: JobContext<Tx>
  readonly #partitions: OwnedPartitions
  readonly #acts: Acts<Tx>
  readonly #pauses: Pauses
  readonly #running = new Set<Running<Tx>>()
  readonly #open = new Set<OpenTransaction<Tx>>()
  readonly #cutOff = new AbortController()
  /** keys in somebody's hands */
  readonly #busy = new Set<string>()
  /** operations that need transactions of their own */
  readonly #alone = new Set<string>()
  readonly #queue = new Queue<Tx>()
  readonly #trouble: Trouble
  readonly #fetching: Fetching
  readonly #heldLook: HeldLook<Tx>
  readonly #settling: Settling
  readonly #overdue: Overdue
  /** the message that has the process for itself */
  #apart: Entry<Tx> | undefined
  #stopping = false
  #pumping = false
  readonly #alarm = new Alarm(() => this.pump())
  #waiters: (() => void)[] = []
  #lastCommit: number | null = null

  constructor(options: LaneOptions<Tx>) {
    this.#options = options
    this.#tuning = options.tuning
    const { subscription, database, logger } = options
    this.#partitions = new OwnedPartitions(subscription.name, database.query, logger)
    this.#pauses = new Pauses({
      subscription: subscription.name,
      tuning: options.tuning,
      query: database.query,
      logger,
    })
    this.#context = {
      contract: options.contract,
      database,
      owner: options.owner,
      subscription,
      scope: claimScope(subscription, options.tuning.rememberMs),
      leaseMs: options.tuning.leaseMs,
      cutOff: this.#cutOff.signal,
      positions: (finished) => this.#partitions.positionsWith(finished),
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
      probes: ({ prepared }) => prepared !== undefined && this.#pauses.until(prepared.operation.name) !== undefined,
      owned: (entry) => this.#partitions.of(entry) !== undefined,
      ended: (entry, outage) => this.#acted(entry, outage),
    })
    const look = (): void => this.pump()
    this.#trouble = new Trouble(this.name, options.logger, options.tuning, (until) => this.#wakeAt(until))
    this.#overdue = new Overdue((error) => this.#trouble.note(error, 'a job does not end'))
    this.#settling = new Settling(options.source, (error) => this.#trouble.note(error, 'settling failed'))
    this.#fetching = new Fetching({
      source: options.source,
      tuning: options.tuning,
      partitions: this.#partitions.byNumber,
      trouble: this.#trouble,
      atHand: () => this.#atHand(),
      accept: (partition, delivery) => this.#accept(partition, delivery),
      look,
      onIncarnation: options.onIncarnation,
    })
    this.#heldLook = new HeldLook<Tx>({
      contract: options.contract,
      database: options.database,
      subscription,
      skip: this.#context.scope.skip,
      tuning: options.tuning,
      slots: options.slots,
      trouble: this.#trouble,
      queue: this.#queue,
      partitions: this.#partitions.byNumber,
      busy: this.#busy,
      looked: look,
    })
  }

  get name(): string {
    return this.#options.subscription.name
  }

  get source(): TransportSubscription {
    return this.#options.source
  }

  /** When something was last read or committed. */
  get lastSuccess(): number | null {
    const read = this.#fetching.lastSuccess
    return read === null ? this.#lastCommit : Math.max(read, this.#lastCommit ?? 0)
  }

  get lastError(): { at: number; message: string } | null {
    return this.#trouble.last
  }

  start(): void {
    this.#fetching.start()
    this.pump()
  }

  // Ownership ---------------------------------------------------------------------------------------------------

  owned(): ReadonlyMap<number, OwnedPartition> {
    return this.#partitions.byNumber
  }

  take(taken: Taken): void {
    this.#partitions.add(new OwnedPartition(taken, this.#tuning.maxBatch))
    this.#heldLook.want()
    this.#fetching.now()
    this.pump()
  }

  /** Somebody else's now: what is in hand is dropped, what runs will fail at the fence. */
  lose(number: number): void {
    this.#partitions.delete(number)
    this.#queue.forget(number)
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
    this.#queue.keepUrgent((entry) => entry.partition === number)
    const busy = (): boolean => partition.running > 0 || this.#queue.holdsAnyOf(number)
    this.pump()
    while (busy() && this.#partitions.get(number) === partition) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
    this.#queue.forget(number)
    if (this.#partitions.get(number) !== partition) return
    await this.#partitions.catchUp(partition)
    this.#partitions.delete(number)
  }

  // What is at hand ---------------------------------------------------------------------------------------------

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
      buryCrashed(entry, subscription)
    }
    this.#queue.add(entry)
  }

  /** Running ones included. */
  #atHand(): { messages: number; bytes: number } {
    let { bytes } = this.#queue
    for (const { job } of this.#running) for (const { envelope } of job.entries) bytes += envelope.data.length
    return { messages: this.#queue.pending.length + this.#partitions.running, bytes }
  }

  // Jobs --------------------------------------------------------------------------------------------------------

  /** Starts whatever can start. Called whenever something may have changed. */
  pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      const now = performance.now()
      this.#overdue.look(this.#running, now)
      this.#heldLook.begin(now)
      while (this.#trouble.over(now) && !this.#cutOff.signal.aborted && this.#options.slots.free > 0) {
        if (!this.#options.slots.mayBegin(this)) break
        const chosen = select({
          only: this.#apart,
          due: this.#queue.due,
          pending: this.#queue.pending,
          busy: this.#busy,
          partitions: this.#partitions.byNumber,
          pauses: this.#pauses,
          alone: this.#alone,
          shares: this.#options.database.shares,
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
        // Sharing it may have let others claim it before us.
        if (chosen.entries.length === 0 || !this.#options.slots.mayBegin(this)) break
        if (!chosen.single) {
          const beside = chosen.entries.length >= this.#tuning.maxBatch ? 2 : 1
          const waitUntil = quickUntil(this.#running, { now, beside, patienceMs: this.#tuning.patienceMs })
          if (waitUntil !== undefined) {
            this.#wakeAt(waitUntil)
            break
          }
        }
        if (!this.#begin(chosen.entries, chosen.mark ? (chosen.alone ? 'alone' : 'beside') : undefined)) break
      }
      // Where no slot is free, whoever gives one back calls; who stops looks for nothing any more.
      if (this.#options.slots.free > 0 && !this.#stopping)
        this.#wakeAt(Math.max(this.#heldLook.at, this.#trouble.until))
    } finally {
      this.#pumping = false
    }
  }

  /** Something has ended: who waits for that looks again. */
  #tellWaiters(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }

  /** False where somebody else took the last slot meanwhile: nothing is begun without one (FM57). */
  #begin(entries: readonly Entry<Tx>[], mark: Mark | undefined): boolean {
    const begun = this.#options.slots.tryRun(async () => {
      this.#queue.take(entries)
      for (const entry of entries) {
        this.#busy.add(entry.lane)
        this.#partitions.of(entry)?.begin()
      }
      const [first] = entries
      const running: Running<Tx> = {
        job: { kind: first === undefined ? 'record' : kindOf(first), entries },
        since: performance.now(),
        stage: { is: 'waits for a connection' },
      }
      this.#running.add(running)
      let report: JobReport<Tx> | undefined
      try {
        report = await this.#run(running.job, mark, running.stage)
      } catch (error) {
        // A fault of ours: the messages stay where they are, and it shows.
        this.#trouble.begin(error, 'a job failed')
      } finally {
        this.#running.delete(running)
        this.#ended(entries, report)
      }
    })
    return begun !== undefined
  }

  async #run(job: Job<Tx>, how: Mark | undefined, stage: Stage): Promise<JobReport<Tx>> {
    const [entry] = job.entries
    if (how === undefined || entry === undefined) return runJob(this.#context, this.#beforeCommit(job), stage)
    stage.is = 'marks its message'
    const { database, owner, subscription, contract } = this.#options
    const values = [subscription.name, entry.partition, entry.epoch, owner, markOf(entry), how === 'alone']
    const { rows } = await database.query(mark, values)
    if (rows.length === 0) {
      this.lost(entry.partition, entry.epoch)
      throw new Error(`partition ${entry.partition} of ${subscription.name} has another owner`)
    }
    entry.marked = true
    prepare(entry, subscription, contract)
    return runJob(this.#context, { kind: kindOf(entry), entries: job.entries }, stage)
  }

  /** The process is everybody's again, once the message that had it for itself has come to an end. */
  #endApart(): void {
    const entry = this.#apart
    if (entry === undefined) return
    const waits = entry.acted !== undefined && this.#queue.includes(entry)
    if (waits || (this.#busy.has(entry.lane) && this.#partitions.of(entry) !== undefined)) return
    this.#apart = undefined
    this.#options.slots.shareProcess(this)
  }

  /** The mutant that moves the position first, and asks questions later. */
  #beforeCommit(job: Job<Tx>): Job<Tx> {
    if (!faults.mutant('settle-before-commit')) return job
    const { database, subscription } = this.#options
    const positions = this.#partitions.positionsWith(job.entries)
    if (positions.size > 0) {
      void database
        .query(advance, [subscription.name, [...positions.keys()], [...positions.values()], []])
        .catch(() => {})
      for (const [partition, position] of positions) this.#settling.note(partition, position)
      this.#settling.tell()
    }
    return job
  }

  /** A job is over: its entries are gone, or come back. */
  #ended(entries: readonly Entry<Tx>[], report: JobReport<Tx> | undefined): void {
    // What was lost while its claim was on its way must not be acted on: its lease runs out, and its new owner claims it.
    const acting = new Set(report?.acting.filter((entry) => this.#partitions.of(entry) !== undefined))
    for (const entry of entries) {
      if (acting.has(entry)) continue
      this.#busy.delete(entry.lane)
      this.#partitions.of(entry)?.end()
    }
    if (report === undefined) this.#putBack(entries)
    else this.#follow(report)
    for (const entry of acting) this.#acts.begin(entry)
    this.#fetching.roomAgain()
    // Nobody is left to write what the last jobs could not know of each other.
    if (this.#running.size === 0)
      for (const partition of this.#partitions.byNumber.values()) void this.#partitions.catchUp(partition)
    this.#endApart()
    this.pump()
    this.#tellWaiters()
  }

  #follow(report: JobReport<Tx>): void {
    for (const entry of report.done) {
      const partition = this.#partitions.of(entry)
      this.#acts.forget(entry)
      if (partition === undefined) continue
      partition.clear(entry)
      if (entry.held !== undefined) partition.heldTried(false)
      const operation = entry.prepared?.operation.name
      if (operation !== undefined && entry.verdict === undefined) this.#pauses.end(operation)
    }
    this.#partitions.wrote(report.positions)
    for (const [number, position] of this.#partitions.finish(report.done)) this.#settling.note(number, position)
    if (report.done.length > 0) {
      this.#lastCommit = Date.now()
      this.#trouble.ended()
      this.#settling.tell()
    }
    if (report.sent) this.#options.onCommitted()
    if (report.heldChanged) {
      this.#heldLook.changed()
      // Who was to follow a message that has just been held again waits with it; the next look says when it is due.
      this.#queue.forgetDue(new Set(report.done.filter(({ verdict }) => verdict !== undefined).map(({ lane }) => lane)))
    }
    if (report.stayAlone !== undefined) this.#alone.add(report.stayAlone)
    if (report.outage !== undefined) {
      const { operation, outage } = report.outage
      this.#pauses.begin(operation, outage.message, outage.retryAfterMs)
    }
    for (const { partition, epoch } of report.lost) this.lost(partition, epoch)
    this.#putBack(report.again)
    if (report.trouble !== undefined) this.#trouble.begin(report.trouble, 'a transaction failed')
  }

  /** Entries to be done again, each where it was among the others of its key. */
  #putBack(entries: readonly Entry<Tx>[]): void {
    const mine = entries.filter((entry) => this.#partitions.of(entry) !== undefined)
    this.#queue.putBack(mine)
    // Whoever drains keeps the first of each key at most; a verdict must not overtake what went before it.
    if (mine.length > 0)
      this.#queue.keepUrgent((entry) => this.#stopping || this.#partitions.of(entry)?.draining === true)
  }

  /** An act has ended: `entry` has its result, or a verdict, or has to wait. */
  #acted(
    entry: Entry<Tx>,
    outage: { operation: string; retryAfterMs: number | undefined; message: string } | undefined,
  ): void {
    this.#busy.delete(entry.lane)
    this.#partitions.of(entry)?.end()
    if (outage !== undefined) this.#pauses.begin(outage.operation, outage.message, outage.retryAfterMs)
    this.#putBack([entry])
    this.#endApart()
    this.pump()
    this.#tellWaiters()
  }

  #wakeAt(at: number): void {
    if (this.#stopping && this.#running.size === 0 && this.#queue.size === 0) return
    this.#alarm.set(at)
  }

  // Health and stop -----------------------------------------------------------------------------------------------

  /** False while there is nothing to be done here: every partition is another replica's. */
  get active(): boolean {
    return this.#partitions.byNumber.size > 0
  }

  gauges(): { running: number; pending: number; paused: number; partitions: number } {
    return {
      running: this.#partitions.running,
      pending: this.#queue.pending.length,
      paused: this.#pauses.size,
      partitions: this.#partitions.byNumber.size,
    }
  }

  /** Takes nothing new from now on. */
  halt(): void {
    this.#stopping = true
    this.#trouble.quiet = true
    this.#heldLook.halt()
    this.#queue.keepUrgent(() => true)
    this.#endApart()
    if (this.#apart === undefined) this.#options.slots.shareProcess(this)
    this.#fetching.halt()
  }

  /** Ends what is still running: its database connections first, so that nothing can commit any more. */
  cutOff(): void {
    this.#cutOff.abort()
    for (const open of this.#open) open.cut()
    this.#acts.abandon(() => true)
  }

  /** Resolves when the transport knows the positions, or could not be told. */
  async settled(): Promise<void> {
    await this.#settling.last()
  }

  async close(): Promise<void> {
    this.#alarm.clear()
    this.#settling.end()
    await this.#fetching.ended()
    await this.#heldLook.ended()
    await this.#options.source.close()
  }

  /** Stops waiting for anything. */
  abandon(): void {
    this.#alarm.clear()
    this.#settling.end()
    this.#options.source.close().catch(() => {})
  }
}
