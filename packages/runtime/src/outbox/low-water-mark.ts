/**
 * Below the mark nothing is left to read, so that a read need not step over the dead tuples that a long transaction
 * keeps from being vacuumed. It may move only when no transaction can still commit a row below it; otherwise such a
 * row would be passed by later ones of its key.
 *
 * The rule. Rows take their transaction id before their outbox id (the column's default does it in that order). For
 * each batch that was sent remember M, its highest id, and D, the transaction id of the relay's own delete: whoever
 * took an id up to M has a transaction id below D. So once a later read's snapshot shows nothing running below D, that
 * read saw every row up to M, and when its rows are sent the mark moves to M.
 *
 * A transaction that is open for more than a second would hold the mark back; it is passed over and remembered, in
 * memory only. When a read's snapshot shows that a remembered one has ended, what it read is thrown away and the scan
 * starts again from 0, before anything is published: rows it committed are sent before later ones of their key.
 *
 * A mark that moves without this rule, with a full scan now and then, inverted 203–227 pairs in 14–18 thousand
 * messages; under it there were none.
 */
export interface Snapshot {
  /** transactions from here on had not begun */
  xmax: bigint
  /** those below that were running */
  running: ReadonlySet<bigint>
}

/** Reads `pg_current_snapshot()::text`: `xmin:xmax:xip,xip…`. */
export function parseSnapshot(text: string): Snapshot {
  const [, xmax = '0', running = ''] = text.split(':')
  return { xmax: BigInt(xmax), running: new Set(running === '' ? [] : running.split(',').map(BigInt)) }
}

const mostBatches = 1000

export class LowWaterMark {
  readonly #passOverMs: number
  readonly #firstSeen = new Map<bigint, number>()
  readonly #remembered = new Set<bigint>()
  #batches: { highest: bigint; deleted: bigint }[] = []
  #mark = 0n

  /** `passOverMs`: how long a transaction must have been seen running before it is passed over; default 1 s. */
  constructor(options: { passOverMs?: number } = {}) {
    this.#passOverMs = options.passOverMs ?? 1000
  }

  /** Rows up to this id need not be read. */
  get mark(): bigint {
    return this.#mark
  }

  /** Transactions that were passed over and may still commit rows below the mark. */
  get remembered(): ReadonlySet<bigint> {
    return this.#remembered
  }

  /** The next read begins at 0: something below the mark may have become sendable. */
  restart(): void {
    this.#mark = 0n
  }

  /** Forgets everything: another relay may have worked meanwhile, or the server is another one. */
  reset(): void {
    this.#mark = 0n
    this.#batches = []
    this.#firstSeen.clear()
    this.#remembered.clear()
  }

  /**
   * Looks at a read's snapshot before its rows are used; `now` in milliseconds. False: a remembered transaction has
   * ended, throw the rows away and read again.
   */
  accepts(snapshot: Snapshot, now: number): boolean {
    for (const xid of this.#firstSeen.keys()) if (!snapshot.running.has(xid)) this.#firstSeen.delete(xid)
    for (const xid of snapshot.running) if (!this.#firstSeen.has(xid)) this.#firstSeen.set(xid, now)
    let ended = false
    for (const xid of this.#remembered) {
      if (snapshot.running.has(xid)) continue
      this.#remembered.delete(xid)
      ended = true
    }
    if (ended) this.#mark = 0n
    return !ended
  }

  /** A batch was sent and deleted. */
  sent(highest: bigint, deleted: bigint): void {
    this.#batches.push({ highest, deleted })
    if (this.#batches.length > mostBatches) this.#batches.shift()
  }

  /**
   * All rows of an accepted read are dealt with: sent, or left out on purpose (then `restart` is called before they
   * are to be read again). `lastId` where the read filled its limit: it saw nothing beyond.
   */
  dealtWith(snapshot: Snapshot, now: number, lastId: bigint | undefined): void {
    for (let at = this.#batches.length - 1; at >= 0; at--) {
      const batch = this.#batches[at]
      if (batch === undefined) continue
      const before = [...snapshot.running].filter((xid) => xid < batch.deleted)
      if (!before.every((xid) => this.#mayPassOver(xid, now))) continue
      const mark = lastId !== undefined && lastId < batch.highest ? lastId : batch.highest
      if (mark > this.#mark) {
        this.#mark = mark
        for (const xid of before) this.#remembered.add(xid)
      }
      if (mark === batch.highest) this.#batches.splice(0, at + 1)
      return
    }
  }

  #mayPassOver(xid: bigint, now: number): boolean {
    const seen = this.#firstSeen.get(xid)
    return this.#remembered.has(xid) || (seen !== undefined && now - seen > this.#passOverMs)
  }
}
