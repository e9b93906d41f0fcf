/**
 * One breaker a provider, in memory: it protects this process and the provider from useless tries. It loses nothing:
 * what is refused here is an error the caller handles like any other failed call.
 *
 *   closed ──`failures` in a row──▶ open ──cool-down over──▶ half-open ──success──▶ closed
 *                                    ▲                          │
 *                                    └──failure, cool-down ×2───┘
 *
 * closed: everything goes. open: nothing goes. half-open: one try goes, the others are refused until it has ended.
 */
export interface BreakerOptions {
  /** failures in a row that open it; default 5 */
  failures?: number
  /** first cool-down; default 1 s, doubled with each failed probe, with jitter */
  coolDownMs?: number
  /** default 30 s */
  maxCoolDownMs?: number
  now?: () => number
}

export type BreakerState = 'closed' | 'open' | 'half-open'

export class Breaker {
  readonly #failures: number
  readonly #coolDownMs: number
  readonly #maxCoolDownMs: number
  readonly #now: () => number
  #state: BreakerState = 'closed'
  #inARow = 0
  #opened = 0
  #until = 0

  constructor(options: BreakerOptions = {}) {
    this.#failures = options.failures ?? 5
    this.#coolDownMs = options.coolDownMs ?? 1000
    this.#maxCoolDownMs = options.maxCoolDownMs ?? 30_000
    this.#now = options.now ?? Date.now
  }

  get state(): BreakerState {
    return this.#state === 'open' && this.#now() >= this.#until ? 'half-open' : this.#state
  }

  /** Undefined: go ahead, and say how it ended. A number: refused, worth another try after so many milliseconds. */
  enter(): number | undefined {
    if (this.#state === 'closed') return undefined
    const now = this.#now()
    if (now < this.#until) return this.#until - now
    // The probe has as long as a cool-down before the next one may go, should it never say how it ended.
    this.#state = 'half-open'
    this.#until = now + this.#coolDown()
    return undefined
  }

  succeeded(): void {
    this.#state = 'closed'
    this.#inARow = 0
    this.#opened = 0
  }

  failed(): void {
    this.#inARow++
    if (this.#state === 'closed' && this.#inARow < this.#failures) return
    if (this.#state === 'open') return // a try from before it opened
    this.#state = 'open'
    this.#opened++
    this.#until = this.#now() + this.#coolDown()
  }

  #coolDown(): number {
    const full = Math.min(this.#maxCoolDownMs, this.#coolDownMs * 2 ** Math.max(0, this.#opened - 1))
    return full * (0.75 + Math.random() / 4)
  }
}
