/**
 * One breaker a provider, in memory: it protects this process and the provider from useless tries. It loses nothing:
 * what is refused here is an error the caller handles like any other failed call.
 *
 *   closed ──`failures` in a row──▶ open ──cool-down over──▶ half-open ──success──▶ closed
 *                                    ▲                          │
 *                                    └──failure, cool-down ×2───┘
 *
 * closed: everything goes. open: nothing goes. half-open: one try goes, the others are refused until it has ended.
 * How a try ended counts only in the state it was let in by: an answer from before the breaker opened neither closes
 * it nor fails a probe.
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

export type Entry =
  | { readonly refusedMs: undefined; /** Says how the try ended. */ readonly ended: (providerIsUp: boolean) => void }
  /** refused; worth another try after so many milliseconds */
  | { readonly refusedMs: number }

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
  /** grows with every change of state, and with every probe */
  #era = 0

  constructor(options: BreakerOptions = {}) {
    this.#failures = options.failures ?? 5
    this.#coolDownMs = options.coolDownMs ?? 1000
    this.#maxCoolDownMs = options.maxCoolDownMs ?? 30_000
    this.#now = options.now ?? Date.now
  }

  get state(): BreakerState {
    return this.#state === 'open' && this.#now() >= this.#until ? 'half-open' : this.#state
  }

  enter(): Entry {
    if (this.#state !== 'closed') {
      const now = this.#now()
      if (now < this.#until) return { refusedMs: this.#until - now }
      // The probe has as long as a cool-down before the next one may go, should it never say how it ended.
      this.#state = 'half-open'
      this.#until = now + this.#coolDown()
      this.#era++
    }
    const era = this.#era
    const ended = (providerIsUp: boolean): void => {
      if (era !== this.#era) return
      if (providerIsUp) this.#succeeded()
      else this.#failed()
    }
    return { refusedMs: undefined, ended }
  }

  #succeeded(): void {
    if (this.#state !== 'closed') this.#era++
    this.#state = 'closed'
    this.#inARow = 0
    this.#opened = 0
  }

  #failed(): void {
    this.#inARow++
    if (this.#state === 'closed' && this.#inARow < this.#failures) return
    this.#era++
    this.#state = 'open'
    this.#opened++
    this.#until = this.#now() + this.#coolDown()
  }

  #coolDown(): number {
    const full = Math.min(this.#maxCoolDownMs, this.#coolDownMs * 2 ** Math.max(0, this.#opened - 1))
    return full * (0.75 + Math.random() / 4)
  }
}
