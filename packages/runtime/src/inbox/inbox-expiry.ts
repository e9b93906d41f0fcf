/**
 * Delivery records come to the end of their retention; the next copy of such a message would be handled again, which is
 * why a consumer's retention must cover whatever may bring it one (guarantees.md, `retention-covers-redelivery`).
 * Records of an ordering key that has held messages stay: a replay must find what had been done before.
 */
import type { Query } from '../database/database.ts'

export const expireInbox = {
  name: 'inbox',
  /** Deletes at most `limit` records by primary key, past rows that are locked, and says how many. */
  async batch(query: Query, limit: number): Promise<number> {
    const { rowCount } = await query(
      `delete from spandrel.inbox where (subscription, source, message_id) in (
         select subscription, source, message_id from spandrel.inbox i
         where expires_at < now() and not exists (
           select 1 from spandrel.held h
           where h.subscription = i.subscription and h.partition = i.partition and h.partitionkey = i.partitionkey)
         order by expires_at limit $1 for update skip locked)`,
      [limit],
    )
    return rowCount ?? 0
  },
}
