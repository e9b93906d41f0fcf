/**
 * The time a profile gives: to the attack on one operation, and to the whole service. When it is over no trial is begun
 * and no answer is waited for, and the history says what was cut. Starting the service again is not counted.
 */
import type { Profile } from './profile.ts'

/** What a profile gives is used up. Ends a stimulus; whatever it had done is judged as far as it goes. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
  readonly by: 'operation' | 'service'
  readonly limitMs: number

  constructor(by: 'operation' | 'service', limitMs: number) {
    super(`the time of ${by === 'operation' ? 'an operation' : 'a service'} is up`)
    this.by = by
    this.limitMs = limitMs
  }
}

export class Budget {
  readonly profile: Profile
  readonly #clock: () => number
  /** ends of the service's time, in milliseconds of the run */
  #serviceEnd: number

  constructor(profile: Profile, clock: () => number) {
    this.profile = profile
    this.#clock = clock
    this.#serviceEnd = clock() + profile.serviceMs
  }

  /** How much of the service's time is left. */
  leftMs(): number {
    return this.#serviceEnd - this.#clock()
  }

  /**
   * For the attack on one operation, from now on. `spentMs` were used before; `settlesMs` belong to its time, too;
   * `reserveMs` says how much of the service's time is needed afterwards.
   */
  operation({ spentMs = 0, settlesMs = 0, reserveMs = () => 0 }: OperationShare = {}): OperationBudget {
    const { operationMs, settleCapMs } = this.profile
    // Effects that take longer to settle than an attack may take would leave nothing for it.
    const settles = Math.min(settlesMs, settleCapMs, operationMs / 2)
    return new OperationBudget(this, this.#clock, this.#clock() + operationMs - settles - spentMs, reserveMs)
  }

  /** Time that does not count: the service was being started, or messages were tried. */
  extend(ms: number): void {
    this.#serviceEnd += ms
  }
}

interface OperationShare {
  readonly spentMs?: number
  readonly settlesMs?: number
  readonly reserveMs?: () => number
}

export class OperationBudget {
  readonly #service: Budget
  readonly #clock: () => number
  readonly #reserveMs: () => number
  #end: number

  constructor(service: Budget, clock: () => number, end: number, reserveMs: () => number) {
    this.#service = service
    this.#clock = clock
    this.#end = end
    this.#reserveMs = reserveMs
  }

  /** Until nothing more may be sent or waited for; 0 and below: it is over. */
  leftMs(): number {
    return Math.min(this.#end - this.#clock(), this.#service.leftMs() - this.#reserveMs())
  }

  /** Throws `TimeIsUp` where less than this is left. */
  need(ms: number): void {
    if (this.leftMs() >= Math.max(ms, 1)) return
    const { operationMs, serviceMs } = this.#service.profile
    const byOperation = this.#end - this.#clock() <= this.#service.leftMs() - this.#reserveMs()
    throw byOperation ? new TimeIsUp('operation', operationMs) : new TimeIsUp('service', serviceMs)
  }

  async uncounted<T>(work: () => Promise<T>): Promise<T> {
    const began = this.#clock()
    try {
      return await work()
    } finally {
      const took = this.#clock() - began
      this.#end += took
      this.#service.extend(took)
    }
  }
}
