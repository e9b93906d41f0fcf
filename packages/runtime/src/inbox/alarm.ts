/** One timer for many reasons to look again: it rings at the earliest. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #at = Number.POSITIVE_INFINITY

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings at `at` (performance.now) at the latest; never for an infinite one. */
  set(at: number): void {
    if (!Number.isFinite(at) || (this.#timer !== undefined && this.#at <= at)) return
    clearTimeout(this.#timer)
    this.#at = at
    this.#timer = setTimeout(
      () => {
        this.clear()
        this.#ring()
      },
      Math.max(1, at - performance.now()),
    )
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#at = Number.POSITIVE_INFINITY
  }
}
