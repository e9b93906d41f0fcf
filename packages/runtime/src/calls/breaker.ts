/**
 * One breaker a provider, in memory: it protects this process and the provider from useless tries. It loses nothing:
 * what is refused here is an error the caller handles like any other failed call.
 *
 *   closed ──`failures` in a row──▶ open ──cool-down over──▶ half-open ──success──▶ closed
 *                                    ▲                          │
 *                                    └──failure, cool-down ×2───┘
 *
 * closed: everything goes; it opens as well where `rate` of the tries within a window failed, once there were enough.
 * open: nothing goes. half-open: one try goes, as a probe, the others are refused until it has ended; where it takes
 * longer than a cool-down, another goes. The first of them that ends decides: a provider that is only slow is one that
 * answers. One that ends and has learnt nothing (its caller left) makes room for the next at once.
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
  /** share of failed tries that opens it, above 0 and up to 1; default none: only those in a row do */
  rate?: number
  /** tries of a window before the rate counts; default 20 */
  rateTries?: number
  /** length of a window; default 10 s */
  rateWindowMs?: number
  /** told of each change of state */
  changed?: (state: BreakerState) => void
  /** milliseconds of a clock that is never set back; default `performance.now` */
  now?: () => number
}

export type Entry =
  | {
      readonly refusedMs: undefined
      readonly isProbe: boolean
      /** Says how the try ended, once; undefined: it has shown nothing. */
      readonly ended: (providerIsUp: boolean | undefined) => void
    }
  /** refused; worth another try after so many milliseconds */
  | { readonly refusedMs: number }

export type BreakerState = 'closed' | 'open' | 'half-open'

export class Breaker {
  readonly #failures: number
  readonly #coolDownMs: number
  readonly #maxCoolDownMs: number
  readonly #rate: number | undefined
  readonly #rateTries: number
  readonly #rateWindowMs: number
  readonly #changed: (state: BreakerState) => void
  readonly #now: () => number
  /** tries of the current window, those of them that failed, and when it ends */
  #tries = 0
  #failedTries = 0
  #windowEnd = 0
  #state: BreakerState = 'closed'
  #inARow = 0
  #opened = 0
  #until = 0
  /** grows whenever it opens or closes */
  #era = 0
  /** number of the last one */
  #probe = 0

  constructor(options: BreakerOptions = {}) {
    this.#failures = options.failures ?? 5
    this.#coolDownMs = options.coolDownMs ?? 1000
    this.#maxCoolDownMs = options.maxCoolDownMs ?? 30_000
    this.#rate = options.rate
    this.#rateTries = options.rateTries ?? 20
    this.#rateWindowMs = options.rateWindowMs ?? 10_000
    this.#changed = options.changed ?? (() => {})
    this.#now = options.now ?? (() => performance.now())
  }

  get state(): BreakerState {
    return this.#state === 'open' && this.#now() >= this.#until ? 'half-open' : this.#state
  }

  /** What `enter` would say now: milliseconds until another try is worth it, 0 where one may go. */
  get refusedMs(): number {
    return this.#state === 'closed' ? 0 : Math.max(0, this.#until - this.#now())
  }

  enter(): Entry {
    const { refusedMs } = this
    if (refusedMs > 0) return { refusedMs }
    const isProbe = this.#state !== 'closed'
    if (isProbe) {
      this.#until = this.#now() + this.#coolDown()
      this.#probe++
      this.#become('half-open')
    }
    const era = this.#era
    const probe = this.#probe
    const ended = (providerIsUp: boolean | undefined): void => {
      if (era !== this.#era) return
      if (providerIsUp === true) this.#succeeded()
      else if (providerIsUp === false) this.#failed()
      else if (isProbe && probe === this.#probe) this.#until = this.#now()
    }
    return { refusedMs: undefined, isProbe, ended }
  }

  #succeeded(): void {
    if (this.#state === 'closed') this.#counted(false)
    else {
      this.#era++
      this.#tries = 0
      this.#failedTries = 0
      this.#become('closed')
    }
    this.#inARow = 0
    this.#opened = 0
  }

  #failed(): void {
    this.#inARow++
    if (this.#state === 'closed') {
      const tooOften = this.#counted(true)
      if (this.#inARow < this.#failures && !tooOften) return
    }
    this.#era++
    this.#opened++
    this.#until = this.#now() + this.#coolDown()
    this.#become('open')
  }

  /** Whether too many tries of this window have failed. */
  #counted(failed: boolean): boolean {
    if (this.#rate === undefined) return false
    const now = this.#now()
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + this.#rateWindowMs
      this.#tries = 0
      this.#failedTries = 0
    }
    this.#tries++
    if (failed) this.#failedTries++
    return this.#tries >= this.#rateTries && this.#failedTries / this.#tries >= this.#rate
  }

  #become(state: BreakerState): void {
    if (this.#state === state) return
    this.#state = state
    this.#changed(state)
  }

  #coolDown(): number {
    const full = Math.min(this.#maxCoolDownMs, this.#coolDownMs * 2 ** Math.max(0, this.#opened - 1))
    return full * (0.75 + Math.random() / 4)
  }
}
