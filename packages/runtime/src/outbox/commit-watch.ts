/**
 * After `outbox.send` in a caller's own transaction nobody tells us of its commit. So we look: after 2, 5, 10, 20, 35,
 * 50, 100 ms and then every 50 ms, until the transaction has ended; a commit is heard within 150 ms on a busy machine
 * too. Committed: the relay is rung. All that are waited for are asked about in one statement, and only one is on its
 * way.
 */
import type { Query } from '../database/database.ts'

const steps = [2, 5, 10, 20, 35, 50, 100]
const every = 50
/** More open transactions than this are found by the poll. */
const mostWatched = 1000

interface Watched {
  sentAt: number
  looks: number
  nextAt: number
}

export class CommitWatch {
  readonly #query: Query
  readonly #committed: () => void
  readonly #watched = new Map<string, Watched>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #closed = false

  constructor(query: Query, committed: () => void) {
    this.#query = query
    this.#committed = committed
  }

  /** Waits for the end of a transaction, by its id. */
  watch(xid: string): void {
    if (this.#closed || this.#watched.size >= mostWatched) return
    const now = performance.now()
    // A transaction that sends again is looked at sooner again: its end is likely to be near.
    this.#watched.set(xid, { sentAt: now, looks: 0, nextAt: now + (steps[0] ?? every) })
    this.#schedule()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#watched.clear()
    await this.#looking
  }

  #schedule(): void {
    if (this.#looking !== undefined || this.#closed || this.#watched.size === 0) return
    let next = Number.POSITIVE_INFINITY
    for (const { nextAt } of this.#watched.values()) next = Math.min(next, nextAt)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => {
        this.#looking = this.#look().finally(() => {
          this.#looking = undefined
          this.#schedule()
        })
      },
      Math.max(0, next - performance.now()),
    )
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const now = performance.now()
    const due = [...this.#watched].filter(([, { nextAt }]) => nextAt <= now)
    for (const [, watched] of due) {
      watched.looks++
      const step = steps[watched.looks]
      watched.nextAt = step === undefined ? now + every : Math.max(now, watched.sentAt + step)
    }
    try {
      const { rows } = await this.#query<{ xid: string; status: string | null }>(
        'select x as xid, pg_xact_status(x::xid8) as status from unnest($1::text[]) x',
        [due.map(([xid]) => xid)],
      )
      let committed = false
      for (const { xid, status } of rows) {
        if (status === 'in progress') continue
        this.#watched.delete(xid)
        // null: so long ago that the server has forgotten.
        if (status !== 'aborted') committed = true
      }
      if (committed) this.#committed()
    } catch {
      // Looked at again in a moment, and the poll is behind it.
    }
  }
}
