/**
 * Journal entries outside the transactions of operations: answers, replays, overlaps, refusals, calls. Written in
 * batches, a moment after they were noted: one insert for many requests instead of one more statement in each. A
 * process that is killed takes the entries of that moment with it (the key records say what was done). Bounded: a
 * database that is gone costs old entries, which are counted, never memory or answers.
 */
import type { Query } from '../database/database.ts'
import { journal, type JournalEntry } from '../inbox/journal.ts'
import type { Logger } from '../service/loop.ts'

const maxBatch = 200
const maxKept = 10_000
const lingerMs = 25

export class JournalWriter {
  readonly #query: Query
  readonly #log: Logger
  #kept: JournalEntry[] = []
  #writing: Promise<void> | undefined
  #dropped = 0
  #hurry: (() => void) | undefined

  constructor(query: Query, log: Logger) {
    this.#query = query
    this.#log = log
  }

  /** Entries that had to be dropped because the database was gone for long. */
  get dropped(): number {
    return this.#dropped
  }

  write(entry: JournalEntry): void {
    if (this.#kept.length >= maxKept) {
      this.#kept.shift()
      this.#dropped++
    }
    this.#kept.push(entry)
    this.#writing ??= this.#drain()
  }

  /** Resolves when everything noted so far is written, or could not be. */
  async flush(): Promise<void> {
    this.#hurry?.()
    await this.#writing
    if (this.#kept.length > 0) await (this.#writing ??= this.#drain())
  }

  #linger(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, lingerMs)
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #drain(): Promise<void> {
    let batch: JournalEntry[] = []
    try {
      if (this.#kept.length < maxBatch) await this.#linger()
      while (this.#kept.length > 0) {
        batch = this.#kept.splice(0, maxBatch)
        await journal(this.#query, batch)
      }
    } catch (error) {
      this.#kept.unshift(...batch)
      this.#log.warn(
        { error, kept: this.#kept.length },
        'journal entries could not be written; they are kept and tried again',
      )
    } finally {
      this.#writing = undefined
    }
  }
}
