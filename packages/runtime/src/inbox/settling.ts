/**
 * Tells the transport how far a subscription has come, one call at a time: for trimming and lag only. Nothing depends
 * on it, so a failure waits for the next time.
 */
import { faults } from '#faults'
import type { TransportSubscription } from '../transport/transport.ts'

export class Settling {
  readonly #source: TransportSubscription
  readonly #failed: (error: unknown) => void
  #positions = new Map<number, number>()
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(source: TransportSubscription, failed: (error: unknown) => void) {
    this.#source = source
    this.#failed = failed
  }

  /** Notes a position; `tell` sends it. */
  note(partition: number, position: number): void {
    this.#positions.set(partition, position)
  }

  tell(): void {
    if (this.#running !== undefined || this.#positions.size === 0) return
    clearTimeout(this.#timer)
    const positions = this.#positions
    this.#positions = new Map()
    let well = false
    this.#running = this.#source
      .settle(positions)
      .then(() => {
        well = true
        return faults.point('consumer.settled')
      })
      .catch((error: unknown) => {
        for (const [partition, position] of positions)
          if (!this.#positions.has(partition)) this.#positions.set(partition, position)
        this.#failed(error)
      })
      .finally(() => {
        this.#running = undefined
        // What was noted meanwhile is gathered for a moment.
        if (this.#positions.size > 0 && !this.#ended) this.#timer = setTimeout(() => this.tell(), well ? 10 : 1000)
      })
  }

  /** Not again by itself. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
  }

  /** Resolves when the transport knows the positions, or could not be told. */
  async last(): Promise<void> {
    await this.#running
    this.tell()
    await this.#running
  }
}
