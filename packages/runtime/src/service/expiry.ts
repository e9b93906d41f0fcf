/**
 * Deletes what has come to the end of its retention: key records and journal entries. One process at a time, by a
 * lease row; each batch is a short transaction of its own, row by row, past rows that are locked (FM06).
 */
import { randomUUID } from 'node:crypto'
import type { Query } from '../database/database.ts'
import type { Logger, Loop, LoopHealth } from './loop.ts'

/** Deletes at most `limit` rows and says how many. */
export interface Expiry {
  readonly name: string
  readonly batch: (query: Query, limit: number) => Promise<number>
}

export interface ExpiryLoopOptions {
  query: Query
  logger: Logger
  expiries: readonly Expiry[]
  /** milliseconds between rounds */
  everyMs: number
  /** rows of a batch; default 500 */
  limit?: number
}

const takeLease = `
insert into spandrel.leases as l (name, owner, epoch, until) values ('expiry', $1, 1, clock_timestamp() + $2::float8 * interval '1 millisecond')
on conflict (name) do update set owner = excluded.owner, epoch = l.epoch + 1, until = excluded.until
where l.owner is null or l.owner = excluded.owner or l.until < clock_timestamp()
returning 1 as taken`

const releaseLease = `update spandrel.leases set owner = null, until = null where name = 'expiry' and owner = $1`

/**
 * Key records of done keys. Those of an ordering key that has held messages stay: their replay must find what had
 * been done before.
 */
export const expireKeys: Expiry = {
  name: 'keys',
  async batch(query, limit) {
    const { rowCount } = await query(
      // `now()` and not `clock_timestamp()`, which is volatile: no index can be searched by it. By ctid, which the row
      // locks keep in place.
      `delete from spandrel.keys where ctid = any(array(
         select ctid from spandrel.keys k
         where expires_at < now() and not exists (
           select 1 from spandrel.held h where h.subscription = k.subscription and h.partitionkey = k.partitionkey)
         order by expires_at limit $1 for update skip locked))`,
      [limit],
    )
    return rowCount ?? 0
  },
}

export function createExpiryLoop(options: ExpiryLoopOptions): Loop {
  const { query, logger, expiries, everyMs, limit = 500 } = options
  const owner = randomUUID()
  const gauges: Record<string, number> = {}
  let lastSuccess: number | null = null
  let lastError: LoopHealth['lastError'] = null
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  const stopped = new AbortController()

  const work = async (): Promise<void> => {
    try {
      const { rows } = await query(takeLease, [owner, Math.max(30_000, everyMs * 2)])
      if (rows.length > 0) {
        for (const { name, batch } of expiries) {
          for (let count = limit; count === limit && !stopped.signal.aborted;) {
            count = await batch(query, limit)
            gauges[`expired_${name}`] = (gauges[`expired_${name}`] ?? 0) + count
          }
        }
      }
      lastSuccess = Date.now()
    } catch (error) {
      lastError = { at: Date.now(), message: error instanceof Error ? error.message : String(error) }
      logger.warn({ error }, 'a round of expiry failed; it is tried again')
    }
  }
  const again = (): void => {
    if (stopped.signal.aborted) return
    timer = setTimeout(
      () => {
        round = work().finally(again)
      },
      everyMs * (0.9 + Math.random() / 5),
    )
    timer.unref()
  }
  return {
    name: 'expiry',
    async start() {
      round = work().finally(again)
      await Promise.resolve()
    },
    async stop() {
      stopped.abort()
      clearTimeout(timer)
      await round
      // Only a courtesy: the next one need not wait for the lease to end.
      await query(releaseLease, [owner]).catch(() => {})
    },
    health: () => ({ lastSuccess, lastError, gauges }),
  }
}
