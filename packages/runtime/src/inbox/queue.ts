/** What one subscription has at hand and no job has: held messages that are due, and live ones, each by arrival. */
import type { Entry } from './entry.ts'

export class Queue<Tx> {
  /** held messages, and those with a verdict or a result that waits for its commit */
  #due: Entry<Tx>[] = []
  #pending: Entry<Tx>[] = []

  get due(): readonly Entry<Tx>[] {
    return this.#due
  }

  /** Live messages. */
  get pending(): readonly Entry<Tx>[] {
    return this.#pending
  }

  get size(): number {
    return this.#due.length + this.#pending.length
  }

  /** Size of the live messages' data. */
  get bytes(): number {
    let bytes = 0
    for (const { envelope } of this.#pending) bytes += envelope.data.length
    return bytes
  }

  includes(entry: Entry<Tx>): boolean {
    return this.#due.includes(entry) || this.#pending.includes(entry)
  }

  holdsAnyOf(partition: number): boolean {
    const of = (entry: Entry<Tx>): boolean => entry.partition === partition
    return this.#due.some(of) || this.#pending.some(of)
  }

  /** A live message, behind all of its partition. */
  add(entry: Entry<Tx>): void {
    this.#pending.push(entry)
  }

  setDue(entries: Entry<Tx>[]): void {
    this.#due = entries.sort(byArrival)
  }

  /** A job has them now. */
  take(entries: readonly Entry<Tx>[]): void {
    const taken = new Set(entries)
    this.#keep((entry) => !taken.has(entry))
  }

  /** Entries to be done again, each where it was among the others of its key. */
  putBack(entries: readonly Entry<Tx>[]): void {
    const live = entries.filter(({ held }) => held === undefined)
    if (live.length > 0) this.#pending = [...live, ...this.#pending].sort(byArrival)
    if (live.length < entries.length)
      this.#due = [...entries.filter(({ held }) => held !== undefined), ...this.#due].sort(byArrival)
  }

  forget(partition: number): void {
    this.#keep((entry) => entry.partition !== partition)
  }

  /** Due ones of these keys; the next look finds them again. */
  forgetDue(lanes: ReadonlySet<string>): void {
    if (lanes.size > 0) this.#due = this.#due.filter(({ lane }) => !lanes.has(lane))
  }

  /**
   * Of those that are in question, keeps what is worth a commit before the end: the result of an act, the verdict on an
   * attempt that was made; and of each key only the first, because nothing before it will run any more.
   */
  keepUrgent(inQuestion: (entry: Entry<Tx>) => boolean): void {
    const lanes = new Set<string>()
    this.#keep((entry) => {
      if (!inQuestion(entry)) return true
      const first = !lanes.has(entry.lane)
      lanes.add(entry.lane)
      return first && isUrgent(entry)
    })
  }

  #keep(which: (entry: Entry<Tx>) => boolean): void {
    this.#due = this.#due.filter(which)
    this.#pending = this.#pending.filter(which)
  }
}

/** An attempt or an act was made: what came of it is not to be lost. */
export function isUrgent<Tx>(entry: Entry<Tx>): boolean {
  return entry.verdict !== undefined || entry.acted !== undefined
}

function byArrival<Tx>(a: Entry<Tx>, b: Entry<Tx>): number {
  return a.held !== undefined && b.held !== undefined
    ? Number(a.held.id) - Number(b.held.id)
    : a.partition - b.partition || a.offset - b.offset
}
