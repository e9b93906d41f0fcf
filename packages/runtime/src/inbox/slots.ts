/** The connections this consumer may take at once. Whoever cannot have one is told when one is free. */
export class Slots {
  readonly #size: number
  readonly #freed: () => void
  #taken = 0

  constructor(size: number, freed: () => void) {
    this.#size = size
    this.#freed = freed
  }

  get free(): number {
    return this.#size - this.#taken
  }

  /** Runs `work` in a slot; undefined where there is none. */
  tryRun<R>(work: () => Promise<R>): Promise<R> | undefined {
    if (this.#taken >= this.#size) return undefined
    this.#taken++
    return work().finally(() => {
      this.#taken--
      this.#freed()
    })
  }
}
