/**
 * Operations that reported an outage. A paused one is probed by a single message at a time; the first that succeeds
 * ends the pause, each that does not makes it longer.
 */
import type { Query } from '../database/database.ts'
import type { Logger } from '../service/loop.ts'
import { journal, type JournalEntry } from './journal.ts'

interface Pause {
  until: number
  stepMs: number
}

interface PausesOptions {
  subscription: string
  tuning: { probeMs: number; maxProbeMs: number }
  query: Query
  logger: Logger
}

export class Pauses {
  readonly #pauses = new Map<string, Pause>()
  readonly #options: PausesOptions

  constructor(options: PausesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#pauses.size
  }

  /** What the operation depends on is down: begins a pause, or makes it longer. */
  begin(operation: string, why: string, retryAfterMs: number | undefined): void {
    const { probeMs, maxProbeMs } = this.#options.tuning
    const known = this.#pauses.get(operation)
    const now = performance.now()
    // Several that ran at once and failed together are one failure.
    const running = known !== undefined && known.until > now
    const longer = known === undefined ? probeMs : Math.min(known.stepMs * 2, maxProbeMs)
    // Who says when to come again is taken at his word: a breaker has a patience of its own that grows.
    const stepMs = known !== undefined && (running || retryAfterMs !== undefined) ? known.stepMs : longer
    const pausedMs = Math.round(Math.max(retryAfterMs ?? 0, stepMs * (0.75 + Math.random() / 2)))
    this.#pauses.set(operation, { until: Math.max(known?.until ?? 0, now + pausedMs), stepMs })
    const news = known === undefined
    this.#options.logger[news ? 'warn' : 'debug']({ operation, pausedMs }, `${operation} pauses: ${why}`)
    if (news) this.#journal({ kind: 'outage', operation, why })
  }

  /** It works again; nothing where it was not paused. */
  end(operation: string): void {
    if (!this.#pauses.delete(operation)) return
    this.#options.logger.info({ operation }, `${operation} goes on`)
    this.#journal({ kind: 'outage-ended', operation })
  }

  /** A line that belongs to no message's transaction; it is lost where the database does not answer. */
  #journal(entry: JournalEntry): void {
    const { query, subscription } = this.#options
    journal(query, [{ ...entry, subscription }]).catch(() => {})
  }

  /** When it may be tried again; undefined where it is not paused. */
  until(operation: string): number | undefined {
    return this.#pauses.get(operation)?.until
  }
}
