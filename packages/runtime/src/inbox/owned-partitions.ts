/** The partitions of a subscription that this process owns, and how far each is done. */
import type { Query } from '../database/database.ts'
import type { Logger } from '../service/loop.ts'
import type { Entry } from './entry.ts'
import { advance } from './ownership-sql.ts'
import type { OwnedPartition } from './partition.ts'

export class OwnedPartitions {
  readonly #byNumber = new Map<number, OwnedPartition>()
  readonly #subscription: string
  readonly #query: Query
  readonly #logger: Logger

  constructor(subscription: string, query: Query, logger: Logger) {
    this.#subscription = subscription
    this.#query = query
    this.#logger = logger
  }

  get byNumber(): ReadonlyMap<number, OwnedPartition> {
    return this.#byNumber
  }

  /** Messages that run. */
  get running(): number {
    let count = 0
    for (const { running } of this.#byNumber.values()) count += running
    return count
  }

  get(number: number): OwnedPartition | undefined {
    return this.#byNumber.get(number)
  }

  add(partition: OwnedPartition): void {
    this.#byNumber.set(partition.partition, partition)
  }

  delete(number: number): void {
    this.#byNumber.delete(number)
  }

  /** As it is owned now; undefined where that is not the ownership the entry was read under. */
  of<Tx>(entry: Entry<Tx>): OwnedPartition | undefined {
    const partition = this.#byNumber.get(entry.partition)
    return partition?.epoch === entry.epoch ? partition : undefined
  }

  /** The positions, if these were finished as well. */
  positionsWith<Tx>(finished: readonly Entry<Tx>[]): ReadonlyMap<number, number> {
    const positions = new Map<number, number>()
    for (const [number, offsets] of offsetsOf(finished)) {
      const partition = this.#byNumber.get(number)
      if (partition !== undefined) positions.set(number, partition.progress.withFinished(offsets))
    }
    return positions
  }

  /** A commit has finished these; returns the positions that follow. */
  finish<Tx>(done: readonly Entry<Tx>[]): ReadonlyMap<number, number> {
    const positions = new Map<number, number>()
    for (const [number, offsets] of offsetsOf(done.filter((entry) => this.of(entry) !== undefined))) {
      const partition = this.#byNumber.get(number)
      if (partition === undefined) continue
      partition.progress.finish(offsets)
      positions.set(number, partition.progress.position)
    }
    return positions
  }

  /** A commit has written these positions. */
  wrote(positions: ReadonlyMap<number, number>): void {
    for (const [number, position] of positions) {
      const partition = this.#byNumber.get(number)
      if (partition !== undefined) partition.written = Math.max(partition.written, position)
    }
  }

  /** Writes what jobs that ran beside each other could not know. What is finished is finished: this needs no fence. */
  async catchUp(partition: OwnedPartition): Promise<void> {
    const { position } = partition.progress
    if (partition.written >= position) return
    const before = partition.written
    partition.written = position
    try {
      await this.#query(advance, [this.#subscription, [partition.partition], [position], []])
    } catch (error) {
      partition.written = before
      this.#logger.warn(
        { error },
        `${this.#subscription}: the position of partition ${partition.partition} was not written`,
      )
    }
  }
}

/** Of live messages, by partition: a held one has no offset. */
function offsetsOf<Tx>(entries: readonly Entry<Tx>[]): Map<number, Set<number>> {
  const offsets = new Map<number, Set<number>>()
  for (const { partition, offset, held } of entries) {
    if (held !== undefined) continue
    const known = offsets.get(partition)
    if (known === undefined) offsets.set(partition, new Set([offset]))
    else known.add(offset)
  }
  return offsets
}
