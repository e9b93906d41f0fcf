/**
 * How far one partition is done. Messages of different keys finish in any order; the position is the last offset
 * before which nothing is unfinished, so it only moves over a finished beginning:
 *
 *   fetched   5 6 7 8 9
 *   finished  ✓ ✓   ✓        position 6: 8 is found again after a crash, and known by its delivery record
 *
 * Offsets may have gaps; what counts is the order in which they were fetched.
 */
export class Progress {
  readonly #outstanding: number[] = []
  readonly #finished = new Set<number>()
  #position: number
  #fetched: number

  constructor(position: number) {
    this.#position = position
    this.#fetched = position
  }

  /** Everything up to here is finished. */
  get position(): number {
    return this.#position
  }

  /** The newest offset that was fetched: where the next read goes on. */
  get fetched(): number {
    return this.#fetched
  }

  fetch(offset: number): void {
    this.#outstanding.push(offset)
    this.#fetched = offset
  }

  /** The position if these were finished as well. */
  withFinished(offsets: ReadonlySet<number>): number {
    let position = this.#position
    for (const offset of this.#outstanding) {
      if (!this.#finished.has(offset) && !offsets.has(offset)) return position
      position = offset
    }
    return position
  }

  finish(offsets: Iterable<number>): void {
    for (const offset of offsets) this.#finished.add(offset)
    let count = 0
    for (const offset of this.#outstanding) {
      if (!this.#finished.delete(offset)) break
      this.#position = offset
      count++
    }
    if (count > 0) this.#outstanding.splice(0, count)
  }
}
