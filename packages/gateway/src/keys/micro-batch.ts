/**
 * What is asked for while the last statement is in flight goes into the next one, together: one statement and one
 * commit for many requests. Nothing waits for a timer: a single request is a batch of one.
 */
interface Asked<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export interface MicroBatchOptions<Item> {
  /** items of one statement; default 500 */
  readonly most?: number
  /** statements in flight at once; default 1. More where a commit waits for the disk: the server commits them together */
  readonly lanes?: number
  /** two items with one text never go in one statement: the second waits for the next. Absent: any two may */
  readonly identity?: (item: Item) => string
  /** The failure is an item's own: each goes once more, by itself. Absent: a failure is everybody's */
  readonly isOfItem?: (error: unknown) => boolean
}

export class MicroBatch<Item, Result> {
  readonly #carryOut: (items: readonly Item[]) => Promise<readonly Result[]>
  readonly #most: number
  readonly #identity: ((item: Item) => string) | undefined
  readonly #isOfItem: (error: unknown) => boolean
  #waiting: Asked<Item, Result>[] = []
  readonly #lanes: number
  #busy = 0
  #starting = false
  #idle: (() => void)[] = []

  /** `carryOut` gives one result for each item, in their order; what it throws is thrown to each who asked. */
  constructor(
    carryOut: (items: readonly Item[]) => Promise<readonly Result[]>,
    { most = 500, lanes = 1, identity, isOfItem = () => false }: MicroBatchOptions<Item> = {},
  ) {
    this.#carryOut = carryOut
    this.#most = most
    this.#lanes = lanes
    this.#identity = identity
    this.#isOfItem = isOfItem
  }

  ask(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#starting || this.#busy >= this.#lanes) return
      this.#starting = true
      this.#busy++
      // What arrives in this turn of the event loop goes along.
      setImmediate(() => {
        this.#starting = false
        void this.#work()
      })
    })
  }

  /** Resolves when everything that was asked for has been answered. */
  async settled(): Promise<void> {
    while (this.#busy > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#together(this.#next())
    }
    this.#busy--
    for (const wake of this.#idle.splice(0)) wake()
  }

  async #together(batch: readonly Asked<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#carryOut(batch.map(({ item }) => item))
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result)
    } catch (error) {
      // One request's fault must not be its neighbours'.
      if (batch.length > 1 && this.#isOfItem(error)) for (const one of batch) await this.#together([one])
      else for (const { reject } of batch) reject(error)
    }
  }

  #next(): Asked<Item, Result>[] {
    const identity = this.#identity
    if (identity === undefined) return this.#waiting.splice(0, this.#most)
    const seen = new Set<string>()
    const batch: Asked<Item, Result>[] = []
    const later: Asked<Item, Result>[] = []
    for (const asked of this.#waiting) {
      const id = identity(asked.item)
      if (batch.length >= this.#most || seen.has(id)) later.push(asked)
      else {
        seen.add(id)
        batch.push(asked)
      }
    }
    this.#waiting = later
    return batch
  }
}
