/** The jobs of a lane that run: how long others wait for them, and what is said of one that does not end. */
import type { Job, Stage } from './job.ts'
import { defaultTimeoutMs } from './options.ts'

/** A job that runs. */
export interface Running<Tx> {
  readonly job: Job<Tx>
  readonly since: number
  readonly stage: Stage
}

/** When the next job may begin although nothing ends; undefined: now. `beside`: quick jobs that may run at once. */
export function quickUntil<Tx>(
  running: Iterable<Running<Tx>>,
  { now, beside, patienceMs }: { now: number; beside: number; patienceMs: number },
): number | undefined {
  const ends = [...running].map(({ since }) => since + patienceMs).filter((end) => end > now)
  return ends.length < beside ? undefined : ends.sort((a, b) => b - a)[beside - 1]
}

/** Beyond the time of the slowest handler. */
const graceMs = 15_000

/** Nothing is silent, and a job that runs for longer than everything in it may take least of all. */
export class Overdue {
  readonly #told = new WeakSet<object>()
  readonly #tell: (what: Error) => void

  constructor(tell: (what: Error) => void) {
    this.#tell = tell
  }

  /** Tells once of each. */
  look<Tx>(running: Iterable<Running<Tx>>, now: number): void {
    for (const one of running) {
      // Looked at with every message that arrives: first what costs nothing.
      if (now - one.since < graceMs || this.#told.has(one)) continue
      const { entries, kind } = one.job
      const allowed = Math.max(...entries.map(({ prepared }) => prepared?.operation.timeoutMs ?? defaultTimeoutMs))
      if (now - one.since < allowed + graceMs) continue
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
