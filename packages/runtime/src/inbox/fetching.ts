/**
 * Reads a subscription's own partitions from the transport, as far as its window has room.
 *
 *   reading ─┬─ something ▶ reading
 *            └─ nothing, no room, or trouble ▶ waiting ─ hint, room, poll ▶ reading
 */
import { faults } from '#faults'
import type { Delivery, TransportSubscription } from '../transport/transport.ts'
import type { ConsumerTuning } from './options.ts'
import type { OwnedPartition } from './partition.ts'
import type { Trouble } from './trouble.ts'

export interface FetchingOptions {
  source: TransportSubscription
  tuning: ConsumerTuning
  partitions: ReadonlyMap<number, OwnedPartition>
  trouble: Trouble
  /** messages and bytes at hand, those that run included */
  atHand: () => { messages: number; bytes: number }
  accept: (partition: OwnedPartition, delivery: Delivery) => void
  /** something was accepted, or time has passed */
  look: () => void
  /** positions are no longer good; see `ownership.ts` */
  onIncarnation: (error: unknown) => void
}

export class Fetching {
  readonly #options: FetchingOptions
  #stopping = false
  #wake: (() => void) | undefined
  /** a level, so that no hint is lost between a read and the wait behind it */
  #wanted = false
  /** the window is full: worth a look when a job has ended */
  #starved = false
  #loop: Promise<void> | undefined
  /** when the transport last answered */
  lastSuccess: number | null = null

  constructor(options: FetchingOptions) {
    this.#options = options
  }

  start(): void {
    const watch = this.#options.source.watch(() => this.now())
    this.#loop = this.#run().then(() => watch.close())
  }

  now(): void {
    this.#wanted = true
    this.#wake?.()
  }

  /** There may be room again. */
  roomAgain(): void {
    if (this.#starved) this.now()
  }

  halt(): void {
    this.#stopping = true
    this.#wake?.()
  }

  /** Resolves when nothing is read any more. */
  async ended(): Promise<void> {
    await this.#loop
  }

  async #run(): Promise<void> {
    const { partitions, trouble, tuning } = this.#options
    while (!this.#stopping) {
      const after = new Map<number, number>()
      for (const [number, { draining, progress }] of partitions) if (!draining) after.set(number, progress.fetched)
      const { messages, bytes } = this.#options.atHand()
      const room = bytes < tuning.maxBytes ? tuning.window - messages : 0
      this.#wanted = false
      this.#starved = room <= 0
      let count = 0
      if (after.size > 0 && room > 0 && trouble.over()) {
        try {
          count = await this.#read(after, room)
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'incarnation-changed')
            this.#options.onIncarnation(error)
          trouble.begin(error, 'reading the transport failed')
        }
      }
      if (count === 0) await this.#wait()
    }
  }

  async #read(after: ReadonlyMap<number, number>, room: number): Promise<number> {
    const { source, partitions, tuning } = this.#options
    const asked = new Map([...after.keys()].map((number) => [number, partitions.get(number)]))
    const limit = Math.min(room, tuning.maxBatch)
    const deliveries = await source.read(after, { limit, maxBytes: tuning.maxReadBytes })
    this.lastSuccess = Date.now()
    if (deliveries.length === 0) return 0
    await faults.point('consumer.fetched')
    // A stop has put down what was at hand: what comes after that must not go ahead of it.
    if (this.#stopping) return 0
    for (const delivery of deliveries) {
      const partition = partitions.get(delivery.partition)
      // It may have been lost, or lost and taken again, while the transport was asked.
      if (partition === undefined || partition !== asked.get(delivery.partition) || partition.draining) continue
      this.#options.accept(partition, delivery)
    }
    this.#options.look()
    return deliveries.length
  }

  async #wait(): Promise<void> {
    const { tuning, trouble } = this.#options
    if (this.#wanted && !this.#starved && trouble.over()) return
    const pause = Math.max(tuning.pollMs, trouble.until - performance.now())
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#stopping) this.#wake()
    })
    this.#wake = undefined
    // The poll that finds due retries, requests and expiries.
    this.#options.look()
  }
}
