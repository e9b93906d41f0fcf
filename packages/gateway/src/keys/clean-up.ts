/**
 * Deletes key records past their retention. One gateway at a time, by a lease row; each batch is one short statement,
 * past rows that somebody has locked.
 */
import type { Database, Logger } from '@spandrel/runtime'
import type { Counters } from '../management/counters.ts'

export interface CleanUpOptions {
  readonly database: Database
  readonly logger: Logger
  readonly counters: Counters
  /** this process */
  readonly owner: string
  /** milliseconds between rounds; default 60 s */
  readonly everyMs?: number
  /** rows of a batch; default 500 */
  readonly limit?: number
}

const takeLease = `
insert into spandrel_gateway.leases as l (name, owner, until)
values ('clean-up', $1, clock_timestamp() + $2::float8 * interval '1 millisecond')
on conflict (name) do update set owner = excluded.owner, until = excluded.until
where l.owner is null or l.owner = excluded.owner or l.until < clock_timestamp()
returning 1 as taken`

const releaseLease = `update spandrel_gateway.leases set owner = null where name = 'clean-up' and owner = $1`

// `now()`, not `clock_timestamp()`: no index can be searched by what is volatile.
const deleteBatch = `
delete from spandrel_gateway.keys where (operation, scope, key) in (
  select operation, scope, key from spandrel_gateway.keys
  where expires_at < now() and (state = 'done' or lease_until < now())
  order by expires_at limit $1 for update skip locked)`

export class CleanUp {
  readonly #options: CleanUpOptions
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: CleanUpOptions) {
    this.#options = options
  }

  start(): void {
    const { everyMs = 60_000 } = this.#options
    this.#timer = setTimeout(
      () => {
        this.#round = this.round().finally(() => {
          if (!this.#stopped) this.start()
        })
      },
      everyMs * (0.9 + Math.random() / 5),
    )
    this.#timer.unref()
  }

  /** Deletes all there is to delete, batch by batch. Never rejects. */
  async round(): Promise<void> {
    const { database, logger, counters, owner, limit = 500, everyMs = 60_000 } = this.#options
    try {
      const { rows } = await database.query(takeLease, [owner, 2 * everyMs])
      if (rows.length === 0) return
      for (let count = limit; count === limit && !this.#stopped;) {
        count = (await database.query(deleteBatch, [limit])).rowCount ?? 0
        counters.add('expiredKeys', {}, count)
      }
    } catch (error) {
      logger.warn({ err: error }, 'a round of clean-up failed; it is tried again')
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#round
    // A courtesy: the next one need not wait for the lease to end.
    await this.#options.database.query(releaseLease, [this.#options.owner]).catch(() => {})
  }
}
