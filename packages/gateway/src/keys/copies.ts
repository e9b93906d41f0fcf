/**
 * Copies of a keyed request: of all that are here at once, one leads and claims the key; the others look at what
 * becomes of it. The leader's claim settles what is in the database and in other gateways.
 *
 *   (none) ──▶ leading ──claim──┬ held ──────▶ carried out ─▶ a record: the waiting ones replay it
 *                 ▲             │                             none: the next of them leads
 *                 │             ├ done ──────▶ replay
 *                 └──pause──────┴ elsewhere ─▶ `reject`: 409 · `wait`: again, with jitter, until the time is up
 *
 * A copy that waits holds no connection, and their number is bounded.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Claimed, HeldKey, KeyRecord, KeyRecords, WantedKey } from './key-records.ts'

export interface Copy {
  readonly wanted: WantedKey
  readonly onOverlap: 'reject' | 'wait'
  /** on the clock of `performance.now()` */
  readonly deadline: number
  /** its client has left, and nothing has begun: it need not wait */
  readonly gone: () => boolean
}

export type Verdict =
  | { readonly how: 'carried-out' }
  | { readonly how: 'replay'; readonly record: KeyRecord }
  | { readonly how: 'overlap'; readonly retryAfterMs: number }
  /** the database did not say who has the key */
  | { readonly how: 'unavailable'; readonly error: unknown }

/** Sends the request, ends its key, and gives the record that its copies get; undefined: there is none. */
export type CarryOut = (held: HeldKey) => Promise<KeyRecord | undefined>

interface Leader {
  readonly claimed: Promise<Claimed | 'failed'>
  readonly ended: Promise<KeyRecord | undefined>
}

const shortestPauseMs = 20
const longestPauseMs = 250
/** What a copy is told to wait for a first that is running well. */
const runningMs = 1000

export class Copies {
  readonly #records: KeyRecords
  readonly #maxWaiting: number
  readonly #leaders = new Map<string, Leader>()
  #waiting = 0

  constructor(records: KeyRecords, options: { maxWaiting: number }) {
    this.#records = records
    this.#maxWaiting = options.maxWaiting
  }

  /** How many requests wait for another copy. */
  get waiting(): number {
    return this.#waiting
  }

  async run(copy: Copy, carryOut: CarryOut): Promise<Verdict> {
    for (;;) {
      const leader = this.#leaders.get(copy.wanted.id)
      if (leader === undefined) return this.#lead(copy, carryOut)
      if (copy.onOverlap === 'reject') return this.#beside(leader, copy)
      if (this.#waiting >= this.#maxWaiting) return { how: 'overlap', retryAfterMs: runningMs }
      const ended = await this.#within(copy.deadline, leader.ended)
      if (ended === 'late') return { how: 'overlap', retryAfterMs: runningMs }
      if (ended !== undefined) return { how: 'replay', record: ended }
      if (copy.gone()) return { how: 'overlap', retryAfterMs: runningMs }
    }
  }

  /** The leader may be about to replay: what the database says to it holds for its copies too. */
  async #beside(leader: Leader, { deadline }: Copy): Promise<Verdict> {
    const claimed = await this.#within(deadline, leader.claimed)
    if (claimed === 'late' || claimed === 'failed')
      return { how: 'unavailable', error: new Error('the database did not answer in time') }
    return claimed.how === 'done' ? { how: 'replay', record: claimed.record } : overlap(claimed)
  }

  async #lead(copy: Copy, carryOut: CarryOut): Promise<Verdict> {
    const { wanted } = copy
    const claiming = Promise.withResolvers<Claimed | 'failed'>()
    const ending = Promise.withResolvers<KeyRecord | undefined>()
    this.#leaders.set(wanted.id, { claimed: claiming.promise, ended: ending.promise })
    let record: KeyRecord | undefined
    try {
      for (let turn = 0; ; turn++) {
        const claimed = await this.#records.claim(wanted)
        claiming.resolve(claimed)
        if (claimed.how === 'done') {
          record = claimed.record
          return { how: 'replay', record }
        }
        if (claimed.how === 'held') {
          record = await carryOut(claimed.held)
          return { how: 'carried-out' }
        }
        const most = Math.min(longestPauseMs, shortestPauseMs * 2 ** turn)
        const ms = most / 2 + (Math.random() * most) / 2
        const late = performance.now() + ms >= copy.deadline
        if (copy.onOverlap === 'reject' || late || this.#waiting >= this.#maxWaiting || copy.gone())
          return overlap(claimed)
        this.#waiting++
        await pause(ms)
        this.#waiting--
      }
    } catch (error) {
      return { how: 'unavailable', error }
    } finally {
      this.#leaders.delete(wanted.id)
      claiming.resolve('failed')
      ending.resolve(record)
    }
  }

  async #within<T>(deadline: number, promise: Promise<T>): Promise<T | 'late'> {
    const { promise: late, resolve } = Promise.withResolvers<'late'>()
    const timer = setTimeout(resolve, Math.max(0, deadline - performance.now()), 'late' as const)
    this.#waiting++
    try {
      return await Promise.race([promise, late])
    } finally {
      this.#waiting--
      clearTimeout(timer)
    }
  }
}

/** A first that runs may be done any moment; one that broke will not be before its lease ends. */
function overlap(claimed: Exclude<Claimed, { how: 'done' }>): Verdict {
  const unknown = claimed.how === 'elsewhere' && claimed.unknown
  return { how: 'overlap', retryAfterMs: unknown ? claimed.leaseMs : runningMs }
}
