/** When to look at the held messages of a lane's partitions, and what becomes of what is found there. */
import type { ServiceContract } from '../contract/service-contract.ts'
import type { Database } from '../database/database.ts'
import { buryCrashed } from './crashed.ts'
import { newEntry } from './entry.ts'
import { type HeldFound, type HeldScan, scanHeld } from './held-scan.ts'
import type { Subscription } from './operation.ts'
import type { ConsumerTuning } from './options.ts'
import { markOf, type OwnedPartition } from './partition.ts'
import { prepare } from './prepare.ts'
import { isUrgent, type Queue } from './queue.ts'
import { judgeRequest } from './requests.ts'
import type { Slots } from './slots.ts'
import type { Trouble } from './trouble.ts'

export interface HeldLookOptions<Tx> {
  contract: ServiceContract
  database: Database<Tx>
  subscription: Subscription<Tx>
  /** operations whose dead letters hold nothing back */
  skip: readonly string[]
  tuning: ConsumerTuning
  slots: Slots
  trouble: Trouble
  queue: Queue<Tx>
  partitions: ReadonlyMap<number, OwnedPartition>
  /** keys in somebody's hands */
  busy: ReadonlySet<string>
  /** a look has ended */
  looked: () => void
}

/** Rows brought at once; and of one key. */
const limit = 200
const run = 100

export class HeldLook<Tx> {
  readonly #options: HeldLookOptions<Tx>
  #running: Promise<void> | undefined
  #wanted = true
  #stopping = false
  #version = 0
  /** the next look nobody asked for (performance.now) */
  at = 0

  constructor(options: HeldLookOptions<Tx>) {
    this.#options = options
  }

  want(): void {
    this.#wanted = true
  }

  /** A commit has changed what is held: what is being read may be old. */
  changed(): void {
    this.#version++
    this.#wanted = true
  }

  halt(): void {
    this.#stopping = true
  }

  async ended(): Promise<void> {
    await this.#running
  }

  /** Looks, where that is due, nobody looks already and a slot is free. */
  begin(now: number): void {
    if (this.#running !== undefined || this.#stopping || !this.#options.trouble.over(now)) return
    if (!this.#wanted && now < this.at) return
    const running = this.#options.slots.tryRun(() => this.#look())
    if (running === undefined) return
    this.#running = running.finally(() => {
      this.#running = undefined
      this.#options.looked()
    })
  }

  async #look(): Promise<void> {
    const { database, subscription, skip, tuning, trouble } = this.#options
    const partitions = [...this.#options.partitions.values()].filter(({ draining }) => !draining)
    this.#wanted = false
    const began = performance.now()
    this.at = began + tuning.pollMs
    if (partitions.length === 0) return
    const version = this.#version
    let scan: HeldScan
    try {
      scan = await scanHeld(database.query, {
        subscription: subscription.name,
        partitions: partitions.map(({ partition }) => partition),
        skip,
        serial: subscription.serial,
        limit,
        run,
      })
    } catch (error) {
      this.#wanted = true
      trouble.begin(error, 'reading the held messages failed')
      return
    }
    const took = performance.now() - began
    if (version !== this.#version) this.#wanted = true
    else if (!this.#stopping) this.#found(partitions, scan)
    // A look that is dear is made less often.
    const next = Math.min(tuning.pollMs, scan.nextMs ?? Number.POSITIVE_INFINITY)
    this.at = performance.now() + Math.max(next, took * 10)
  }

  #found(partitions: readonly OwnedPartition[], scan: HeldScan): void {
    const { queue, busy, subscription } = this.#options
    // What has a verdict or a result is kept, and what goes before it in its key.
    const decided = new Set(queue.due.filter(isUrgent).map(({ lane }) => lane))
    const due = queue.due.filter(({ lane }) => decided.has(lane))
    const alone = new Set(queue.due.filter((entry) => entry.alone).map(({ held }) => held?.id))
    const looked = new Set(partitions)
    for (const found of scan.found) {
      const partition = this.#options.partitions.get(found.partition)
      if (partition === undefined || !looked.has(partition) || partition.draining) continue
      const entry = newEntry<Tx>({
        partition: found.partition,
        epoch: partition.epoch,
        offset: 0,
        held: found.row,
        envelope: found.envelope,
        serial: subscription.serial,
        alone: alone.has(found.row.id),
      })
      // In somebody's hands: found again when it is out of them.
      if (busy.has(entry.lane) || decided.has(entry.lane)) continue
      if (found.what !== 'due') this.#judge(entry, found)
      else if (markOf({ offset: 0, held: found.row }) === partition.died) {
        partition.died = undefined
        buryCrashed(entry, subscription)
      }
      due.push(entry)
    }
    queue.setDue(due)
    const withDue = new Set(due.map(({ partition }) => partition))
    for (const partition of partitions) if (!withDue.has(partition.partition)) partition.heldTried(true)
  }

  #judge(entry: ReturnType<typeof newEntry<Tx>>, found: HeldFound): void {
    prepare(entry, this.#options.subscription, this.#options.contract)
    entry.verdict = judgeRequest(entry, found)
  }
}
