/**
 * A partition this process owns.
 *
 *   taken ─▶ careful? ─▶ normal ─▶ draining (released, or the service stops) ─▶ gone
 *              one message at a time, each marked       nothing new, what runs ends
 *
 * Careful: whoever owned it last ended without a word, and whatever was in flight then may be what ended it. So the
 * messages up to there are tried one by one, each marked in a commit of its own before it is even decoded.
 *
 *   unclean end ─▶ careful: one message of each partition at a time, marked
 *   dies again  ─▶ each marked one is a suspect: tried with the whole process for itself, marked as alone
 *   dies again  ─▶ that one was it: the death counts as its attempt
 *
 * Without the step in the middle innocent messages of other partitions, which happened to be marked when the process
 * died, would be charged with the death (seen); with the whole process for every careful message, a restart would take
 * as many times longer as there are partitions.
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
  /** and nothing else was running in that process */
  readonly markedAlone: boolean
  /** the last owner did not release it */
  readonly unclean: boolean
}

export class OwnedPartition {
  readonly partition: number
  readonly epoch: string
  readonly progress: Progress
  /** the position as it stands in the database; it may lag where jobs end in another order than they began */
  written: number
  readonly #carefulUntil: number
  /** runs of held messages that are still to be careful */
  #carefulHeld: number
  /** the message the last owner died on: an offset, or minus the id of a held one */
  died: number | undefined
  /** one of those it may have died on */
  suspect: number | undefined
  /** nothing new is to be begun */
  draining = false
  #running = 0

  constructor(taken: Taken, carefulHeld: number) {
    this.partition = taken.partition
    this.epoch = taken.epoch
    this.progress = new Progress(taken.position)
    this.written = taken.position
    this.#carefulUntil = taken.carefulUntil
    this.#carefulHeld = taken.unclean ? carefulHeld : 0
    const finished = taken.marked === undefined || (taken.marked > 0 && taken.marked <= taken.position)
    if (!finished && taken.markedAlone) this.died = taken.marked
    else if (!finished) this.suspect = taken.marked
  }

  get running(): number {
    return this.#running
  }

  /** Whether anything of this partition may run beside something else of it. */
  get careful(): boolean {
    return this.progress.position < this.#carefulUntil || this.#carefulHeld > 0
  }

  /** Whether this message is only tried with the whole process for itself. */
  mustBeAlone(entry: { offset: number; held: { id: string; reason: string | undefined } | undefined }): boolean {
    return entry.held?.reason === 'crashed' || (this.suspect !== undefined && this.suspect === markOf(entry))
  }

  /** What became of it is known. */
  clear(entry: { offset: number; held: { id: string } | undefined }): void {
    if (this.suspect === markOf(entry)) this.suspect = undefined
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

/** How a message is marked: a live one by its offset, a held one by its id. */
export function markOf(entry: { offset: number; held: { id: string } | undefined }): number {
  return entry.held === undefined ? entry.offset : -Number(entry.held.id)
}
