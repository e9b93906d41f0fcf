/**
 * Journal entries that belong to no transaction: replays, overlaps, refusals, calls. Written in batches (what was
 * noted while the last batch was written is the next one), and bounded: a database that is gone costs old entries,
 * which are counted, never memory or answers.
 */
import type { Query } from '../database/database.ts'
import { journal, type JournalEntry } from '../inbox/journal.ts'
import type { Logger } from '../service/loop.ts'

const maxBatch = 200
const maxKept = 10_000

export class JournalWriter {
  readonly #query: Query
  readonly #log: Logger
  #kept: JournalEntry[] = []
  #writing: Promise<void> | undefined
  #dropped = 0

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
    await this.#writing
    if (this.#kept.length > 0) await (this.#writing ??= this.#drain())
  }

  async #drain(): Promise<void> {
    let batch: JournalEntry[] = []
    try {
      // The entries of one turn of the event loop go together.
      await new Promise((resolve) => setImmediate(resolve))
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
