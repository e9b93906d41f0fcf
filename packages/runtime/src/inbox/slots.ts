/**
 * What the lanes of one process share: the connections they may take at once, and the right to have the process for
 * oneself. Whoever cannot have something is told when something was given back.
 */
export class Slots {
  readonly #size: number
  readonly #freed: () => void
  #taken = 0
  #alone: object | undefined

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

  /** Whether `who` may begin anything: somebody may have the process for himself, or wait for that. */
  mayBegin(who: object): boolean {
    return this.#alone === undefined || this.#alone === who
  }

  /** From now on nobody else begins anything, until `shareProcess`. False where somebody else was first. */
  claimProcess(who: object): boolean {
    this.#alone ??= who
    return this.#alone === who
  }

  shareProcess(who: object): void {
    if (this.#alone !== who) return
    this.#alone = undefined
    this.#freed()
  }
}
