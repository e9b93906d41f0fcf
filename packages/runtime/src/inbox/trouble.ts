/** Failures that no message is to blame for: everything of a lane waits a little, longer each time. */
import type { Logger } from '../service/loop.ts'

export class Trouble {
  readonly #name: string
  readonly #logger: Logger
  readonly #pauses: { backoffMs: number; maxBackoffMs: number }
  readonly #begun: (until: number) => void
  #count = 0
  /** nothing is begun before this (performance.now) */
  until = 0
  /** the loop ends: what fails now is no news */
  quiet = false
  last: { at: number; message: string } | null = null

  constructor(
    name: string,
    logger: Logger,
    pauses: { backoffMs: number; maxBackoffMs: number },
    begun: (until: number) => void,
  ) {
    this.#name = name
    this.#logger = logger
    this.#pauses = pauses
    this.#begun = begun
  }

  over(now = performance.now()): boolean {
    return now >= this.until
  }

  /** Something was committed: the next trouble is the first again. */
  ended(): void {
    this.#count = 0
  }

  note(error: unknown, what: string): void {
    const message = `${this.#name}: ${what}: ${error instanceof Error ? error.message : String(error)}`
    this.last = { at: Date.now(), message }
    if (!this.quiet) this.#logger.warn({ error }, message)
  }

  begin(error: unknown, what: string): void {
    this.note(error, what)
    const { backoffMs, maxBackoffMs } = this.#pauses
    const pause = Math.min(backoffMs * 2 ** Math.min(this.#count++, 16), maxBackoffMs)
    this.until = performance.now() + pause * (0.5 + Math.random() / 2)
    this.#begun(this.until)
  }
}
