import type { Logger } from '@spandrel/runtime'
import { Breaker, type BreakerState } from '@spandrel/runtime/operate'
import type { Metrics } from '../management/metrics.ts'

/** When an instance of a service is left alone, and for how long. */
export interface BreakerSettings {
  /** failures in a row; 5 */
  readonly failures: number
  /** share of attempts that failed, of at least 20 within ten seconds; 0.5 */
  readonly rate: number
  /** milliseconds before the first probe, doubled with each that fails; 1 s */
  readonly coolDownMs: number
  /** 5 s */
  readonly maxCoolDownMs: number
}

export const breakerDefaults: BreakerSettings = { failures: 5, rate: 0.5, coolDownMs: 1000, maxCoolDownMs: 5000 }

/** Makes the breakers of all instances of one gateway, and tells log and metrics what they do. */
export class Breakers {
  readonly #settings: BreakerSettings
  readonly #metrics: Metrics
  readonly #logger: Logger | undefined

  constructor(settings: BreakerSettings, metrics: Metrics, logger: Logger | undefined) {
    this.#settings = settings
    this.#metrics = metrics
    this.#logger = logger
  }

  /** `why`: what failed last, for the log */
  of(service: string, instance: string, why: () => string | undefined): Breaker {
    const told: Record<BreakerState, string> = {
      open: 'an instance of a service fails too often: it is asked no more until a probe succeeds',
      'half-open': 'an instance of a service that failed too often is probed',
      closed: 'an instance of a service answers again',
    }
    return new Breaker({
      ...this.#settings,
      changed: (state) => {
        this.#metrics.counters.add('breakerChanges', { service, instance, state })
        if (state === 'open') this.#logger?.warn({ service, instance, state, last: why() }, told.open)
        else this.#logger?.info({ service, instance, state }, told[state])
      },
    })
  }
}
