/** Jobs that run for longer than everything in them may take together: nothing is silent, and this least of all. */
import type { Job, Stage } from './job.ts'
import { defaultTimeoutMs } from './options.ts'

/** A job that runs. */
export interface Running<Tx> {
  readonly job: Job<Tx>
  readonly since: number
  readonly stage: Stage
}

/** Beyond the time of the slowest handler. */
const graceMs = 15_000

export class Overdue {
  readonly #told = new WeakSet<object>()
  readonly #tell: (what: Error) => void

  constructor(tell: (what: Error) => void) {
    this.#tell = tell
  }

  /** Tells once of each. */
  look<Tx>(running: Iterable<Running<Tx>>, now: number): void {
    for (const one of running) {
      const { entries, kind } = one.job
      const allowed = Math.max(...entries.map(({ prepared }) => prepared?.operation.timeoutMs ?? defaultTimeoutMs))
      if (now - one.since < allowed + graceMs || this.#told.has(one)) continue
      this.#told.add(one)
      const [first] = entries
      const what = first?.prepared?.operation.name ?? kind
      this.#tell(
        new Error(
          `${what} with ${entries.length} messages of partition ${first?.partition} runs for ${Math.round((now - one.since) / 1000)} s; it ${one.stage.is}`,
        ),
      )
    }
  }
}
