/**
 * A partition this process owns.
 *
 *   taken ─▶ careful? ─▶ normal ─▶ draining (released, or the service stops) ─▶ gone
 *              one message at a time, each marked       nothing new, what runs ends
 *
 * Careful: whoever owned it last ended without a word, and whatever was in flight then may be what ended it. So the
 * messages up to there are tried one by one, each marked in a commit of its own before it is even decoded. Should the
 * process die on one, the next owner finds the mark, and that death counts as an attempt of that message.
 */
import { Progress } from './position.ts'

/** As read when the partition was taken. */
export interface Taken {
  readonly partition: number
  readonly epoch: string
  readonly position: number
  /** careful up to this offset */
  readonly carefulUntil: number
  /** the message that was being tried when the last owner died: an offset, or minus the id of a held one */
  readonly marked: number | undefined
  /** the last owner did not release it */
  readonly unclean: boolean
}

export class OwnedPartition {
  readonly partition: number
  readonly epoch: string
  readonly progress: Progress
  readonly #carefulUntil: number
  /** runs of held messages that are still to be careful */
  #carefulHeld: number
  /** the message the last owner died on */
  died: number | undefined
  /** nothing new is to be begun */
  draining = false
  #running = 0

  constructor(taken: Taken, carefulHeld: number) {
    this.partition = taken.partition
    this.epoch = taken.epoch
    this.progress = new Progress(taken.position)
    this.#carefulUntil = taken.carefulUntil
    this.#carefulHeld = taken.unclean ? carefulHeld : 0
    this.died =
      taken.marked === undefined || (taken.marked > 0 && taken.marked <= taken.position) ? undefined : taken.marked
  }

  get running(): number {
    return this.#running
  }

  /** Whether anything of this partition may run beside something else of it. */
  get careful(): boolean {
    return this.progress.position < this.#carefulUntil || this.#carefulHeld > 0
  }

  /** Whether this message has to be marked. One that has killed a process before always has. */
  marks(entry: { offset: number; held: { reason: string | undefined } | undefined }): boolean {
    if (entry.held !== undefined) return this.#carefulHeld > 0 || entry.held.reason === 'crashed'
    return entry.offset <= this.#carefulUntil
  }

  begin(): void {
    this.#running++
  }

  end(): void {
    this.#running--
  }

  /** One held message was tried with care and the process lives; or there are none. */
  heldTried(all: boolean): void {
    if (this.#carefulHeld > 0) this.#carefulHeld = all ? 0 : this.#carefulHeld - 1
  }
}
