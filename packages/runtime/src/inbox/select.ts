/**
 * Chooses what the next job is made of: messages that may run beside each other in one transaction, never two jobs
 * with messages of one key, never a message before an earlier one of its key.
 */
import type { Entry } from './entry.ts'
import type { OwnedPartition } from './partition.ts'
import type { Pauses } from './pauses.ts'
import { kindOf } from './prepare.ts'

export interface Choice<Tx> {
  readonly entries: readonly Entry<Tx>[]
  /** its one message is marked before it is decoded */
  readonly mark: boolean
  /** its one message must have the process for itself */
  readonly alone: boolean
  /** a job of one message that nobody else needs to wait for */
  readonly single: boolean
  /** when it is worth choosing again without being told (performance.now) */
  readonly again: number
}

export interface Choosing<Tx> {
  /** nothing but this one: it has the process for itself */
  only: Entry<Tx> | undefined
  due: readonly Entry<Tx>[]
  pending: readonly Entry<Tx>[]
  busy: ReadonlySet<string>
  partitions: ReadonlyMap<number, OwnedPartition>
  pauses: Pauses
  /** operations that need transactions of their own */
  alone: ReadonlySet<string>
  /** whether handlers may share a transaction */
  shares: boolean
  /** acts that may begin */
  room: number
  maxBatch: number
  now: number
  prepare: (entry: Entry<Tx>) => void
}

export function select<Tx>(from: Choosing<Tx>): Choice<Tx> {
  const choice = new Choosings(from)
  for (const list of [from.due, from.pending]) {
    for (const entry of list) {
      if (choice.full) return choice.made()
      choice.consider(entry)
    }
    choice.endOfList()
  }
  return choice.made()
}

/** Kind of a job, and for a batch handler whose. */
function family<Tx>(entry: Entry<Tx>): string {
  const kind = kindOf(entry)
  return kind === 'batch'
    ? `batch ${entry.prepared?.operation.name}`
    : kind === 'handle' && entry.acted !== undefined
      ? 'result'
      : kind
}

class Choosings<Tx> {
  readonly #from: Choosing<Tx>
  readonly #entries: Entry<Tx>[] = []
  /** keys of which an earlier message was left out */
  readonly #passed = new Set<string>()
  readonly #passedPartitions = new Set<number>()
  /** keys chosen from a list before this one: what follows from a later list comes after that commit */
  readonly #chosenBefore = new Set<string>()
  readonly #chosen = new Set<string>()
  readonly #identities = new Set<string>()
  readonly #probing = new Set<string>()
  #family: string | undefined
  #mark = false
  #processAlone = false
  #single = false
  #again = Number.POSITIVE_INFINITY

  constructor(from: Choosing<Tx>) {
    this.#from = from
  }

  get full(): boolean {
    return this.#single || this.#entries.length >= this.#from.maxBatch
  }

  endOfList(): void {
    for (const lane of this.#chosen) this.#chosenBefore.add(lane)
  }

  made(): Choice<Tx> {
    return {
      entries: this.#entries,
      mark: this.#mark,
      alone: this.#processAlone,
      single: this.#single,
      again: this.#again,
    }
  }

  consider(entry: Entry<Tx>): void {
    const { busy, partitions, now, only } = this.#from
    const partition = partitions.get(entry.partition)
    if (partition === undefined || this.#passedPartitions.has(entry.partition)) return
    if (busy.has(entry.lane) || this.#passed.has(entry.lane) || this.#chosenBefore.has(entry.lane)) return
    if (only !== undefined && entry !== only) return this.#pass(entry)
    if (entry.notBefore > now) return this.#pass(entry, entry.notBefore)
    const undecided = entry.verdict === undefined && entry.acted === undefined
    const mustBeAlone = undecided && partition.mustBeAlone(entry)
    if (partition.careful || mustBeAlone) return this.#considerWithCare(entry, partition, undecided, mustBeAlone)
    this.#from.prepare(entry)
    this.#choose(entry)
  }

  /** One message of the partition at a time. It is prepared when its mark is committed. */
  #considerWithCare(entry: Entry<Tx>, partition: OwnedPartition, undecided: boolean, mustBeAlone: boolean): void {
    const operation = entry.prepared?.operation.name
    const until = undecided && operation !== undefined ? this.#from.pauses.until(operation) : undefined
    const paused = until !== undefined && until > this.#from.now
    if (paused) this.#again = Math.min(this.#again, until)
    if (paused || partition.running > 0 || this.#entries.length > 0) {
      this.#passedPartitions.add(entry.partition)
      return
    }
    this.#take(entry)
    this.#mark = undecided
    this.#processAlone = mustBeAlone
    this.#single = true
  }

  #choose(entry: Entry<Tx>): void {
    const { alone, pauses, now, room, shares } = this.#from
    const kind = family(entry)
    if (this.#family !== undefined && this.#family !== kind) return this.#pass(entry)
    const operation = entry.prepared?.operation.name
    if (operation !== undefined && entry.verdict === undefined && entry.acted === undefined) {
      const until = pauses.until(operation)
      if (until !== undefined && until > now) return this.#pass(entry, until)
      if (until !== undefined) {
        // One message finds out whether the outage is over.
        if (this.#probing.has(operation) || this.#entries.length > 0) return this.#pass(entry)
        this.#probing.add(operation)
        this.#single = true
      }
      if (kind === 'claim' && this.#entries.length >= room) return this.#pass(entry)
    }
    const shareable = shares || entry.prepared?.operation.handler.style === 'batch'
    const apart = entry.alone || !shareable || (operation !== undefined && kind !== 'claim' && alone.has(operation))
    if (apart && kind !== 'claim' && kind !== 'record') {
      if (this.#entries.length > 0) return this.#pass(entry)
      this.#single = true
    }
    // Copies of one message, and messages of one intent, must see each other's commit.
    const { source, id } = entry.envelope.attributes
    const intent = entry.prepared?.intent
    const identities = [
      JSON.stringify([source, id]),
      ...(intent === undefined ? [] : [JSON.stringify([operation, intent.scope, intent.key, 'intent'])]),
    ]
    if (identities.some((identity) => this.#identities.has(identity))) return this.#pass(entry)
    for (const identity of identities) this.#identities.add(identity)
    this.#family = kind
    this.#take(entry)
    // What follows a message that is not handled here is decided when its record is committed.
    if (kind === 'claim' || kind === 'record' || kind === 'result') this.#passed.add(entry.lane)
  }

  #take(entry: Entry<Tx>): void {
    this.#entries.push(entry)
    this.#chosen.add(entry.lane)
  }

  #pass(entry: Entry<Tx>, until = Number.POSITIVE_INFINITY): void {
    this.#passed.add(entry.lane)
    this.#again = Math.min(this.#again, until)
  }
}
