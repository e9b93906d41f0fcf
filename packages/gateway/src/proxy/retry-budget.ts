/** A retry is earned by so many requests: retries are a fifth of the traffic at most. */
const requestsForRetry = 5
/** Retries that can be saved up, and that there are at start: one bad moment is bridged without any traffic before it. */
const saved = 10

/**
 * What a service may be asked again: over any stretch of time, retries ≤ 10 + requests / 5. A service that fails under
 * its load is not given a multiple of that load.
 */
export class RetryBudget {
  /** in requests */
  #left = saved * requestsForRetry

  /** A request comes to the service for the first time. */
  earn(): void {
    if (this.#left < saved * requestsForRetry) this.#left++
  }

  /** False: there is nothing left; no retry. */
  spend(): boolean {
    if (this.#left < requestsForRetry) return false
    this.#left -= requestsForRetry
    return true
  }
}
