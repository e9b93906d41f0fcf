/** The registered channels, read once and again when one is not known. */
import type { Query } from '../../database/database.ts'

export interface RegisteredChannel {
  id: number
  address: string
  partitions: number
  /** of one message; null: the transport's own limit */
  maxBytes: number | null
}

/** An unknown channel is looked up again at most this often. */
const retryMs = 1000

export class Channels {
  readonly #query: Query
  #known = new Map<string, RegisteredChannel>()
  #readAt = -Infinity
  #reading: Promise<void> | undefined

  constructor(query: Query) {
    this.#query = query
  }

  async find(address: string): Promise<RegisteredChannel | undefined> {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    if (this.#reading === undefined && performance.now() - this.#readAt >= retryMs) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined
      })
    }
    await this.#reading
    return this.#known.get(address)
  }

  forget(): void {
    this.#known = new Map()
    this.#readAt = -Infinity
  }

  async #read(): Promise<void> {
    const { rows } = await this.#query<RegisteredChannel>(
      'select address, id, partitions, max_bytes as "maxBytes" from spandrel_stream.channels',
    )
    this.#known = new Map(rows.map((row) => [row.address, row]))
    this.#readAt = performance.now()
  }
}
