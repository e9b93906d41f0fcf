/**
 * Operations that reported an outage. A paused one is probed by a single message at a time; the first that succeeds
 * ends the pause, each that does not makes it longer.
 */
interface Pause {
  until: number
  stepMs: number
}

export class Pauses {
  readonly #pauses = new Map<string, Pause>()
  readonly #probeMs: number
  readonly #maxProbeMs: number

  constructor(options: { probeMs: number; maxProbeMs: number }) {
    this.#probeMs = options.probeMs
    this.#maxProbeMs = options.maxProbeMs
  }

  get size(): number {
    return this.#pauses.size
  }

  /** Begins a pause, or makes it longer; how long it is now. */
  begin(operation: string, retryAfterMs: number | undefined): number {
    const known = this.#pauses.get(operation)
    const now = performance.now()
    // Several that ran at once and failed together are one failure.
    const running = known !== undefined && known.until > now
    const stepMs = running
      ? known.stepMs
      : Math.min(known === undefined ? this.#probeMs : known.stepMs * 2, this.#maxProbeMs)
    const pauseMs = Math.max(retryAfterMs ?? 0, stepMs * (0.75 + Math.random() / 2))
    this.#pauses.set(operation, { until: Math.max(known?.until ?? 0, now + pauseMs), stepMs })
    return pauseMs
  }

  end(operation: string): boolean {
    return this.#pauses.delete(operation)
  }

  /** When it may be tried again; undefined where it is not paused. */
  until(operation: string): number | undefined {
    return this.#pauses.get(operation)?.until
  }
}
