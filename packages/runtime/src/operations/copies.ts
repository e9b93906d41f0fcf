/**
 * Copies of a keyed request inside one process, and the wait for a copy that runs in another.
 *
 * The first of a key is registered here while it runs. With `wait`, later ones hold no connection: they wait for the
 * first one's promise and get its record. If the first ends unremembered, one of them becomes the first. Where the
 * first is in another process (its lock is refused), the one that leads here tries again with jitter.
 *
 *   (none) ──▶ leading ──ended──▶ record: the others replay it
 *                 │  ▲              none: the next one leads
 *     lock refused│  │pause
 *                 └──┘
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Ended } from './attempt.ts'
import type { Claim } from './key.ts'
import type { KeyRecord } from './records.ts'

interface Leader {
  /** it holds the key's lock: copies overlap with it for certain */
  begun: boolean
  readonly ended: Promise<KeyRecord | undefined>
}

/** Runs the request itself; calls `begun` once it holds the key. May be called again after it ended in `overlap`. */
export type First = (begun: () => void) => Promise<Ended>

const shortestPauseMs = 20
const longestPauseMs = 250

export class Copies {
  readonly #leaders = new Map<string, Leader>()
  readonly #maxWaiting: number
  #waiting = 0

  constructor(options: { maxWaiting: number }) {
    this.#maxWaiting = options.maxWaiting
  }

  /** How many requests wait for another copy. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * `overlap` at the end means 409: rejected, out of time, or too many are waiting already. `gone`: the client left;
   * that ends a wait and nothing else.
   */
  async run(claim: Claim, deadline: number, gone: AbortSignal, first: First): Promise<Ended> {
    for (;;) {
      const leader = this.#leaders.get(claim.id)
      if (leader === undefined) return this.#lead(claim, deadline, gone, first)
      if (claim.guarantee.onOverlap === 'reject') {
        // One that does not hold the key yet may be about to replay: the database decides.
        return leader.begun ? { how: 'overlap' } : first(() => {})
      }
      if (this.#waiting >= this.#maxWaiting) return { how: 'overlap' }
      const ended = await this.#within(deadline, gone, leader.ended)
      if (ended === 'late') return { how: 'overlap' }
      if (ended !== undefined) return { how: 'replay', record: ended }
    }
  }

  async #lead(claim: Claim, deadline: number, gone: AbortSignal, first: First): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<KeyRecord | undefined>()
    const leader: Leader = { begun: false, ended: promise }
    this.#leaders.set(claim.id, leader)
    let ended: Ended | undefined
    try {
      for (let turn = 0; ; turn++) {
        ended = await first(() => {
          leader.begun = true
        })
        if (ended.how !== 'overlap' || claim.guarantee.onOverlap === 'reject') return ended
        const most = Math.min(longestPauseMs, shortestPauseMs * 2 ** turn)
        const ms = most / 2 + (Math.random() * most) / 2
        if (gone.aborted || this.#waiting >= this.#maxWaiting || Date.now() + ms >= deadline) return ended
        this.#waiting++
        try {
          await pause(ms)
        } finally {
          this.#waiting--
        }
      }
    } finally {
      this.#leaders.delete(claim.id)
      resolve(ended !== undefined && 'record' in ended ? ended.record : undefined)
    }
  }

  /** `late`: the time is up, or the client that waits is gone; nothing of its request has begun. */
  async #within(
    deadline: number,
    gone: AbortSignal,
    ended: Promise<KeyRecord | undefined>,
  ): Promise<KeyRecord | undefined | 'late'> {
    const { promise: late, resolve } = Promise.withResolvers<'late'>()
    const giveUp = (): void => resolve('late')
    const timer = setTimeout(giveUp, Math.max(0, deadline - Date.now()))
    gone.addEventListener('abort', giveUp, { once: true })
    if (gone.aborted) giveUp()
    this.#waiting++
    try {
      return await Promise.race([ended, late])
    } finally {
      this.#waiting--
      clearTimeout(timer)
      gone.removeEventListener('abort', giveUp)
    }
  }
}
