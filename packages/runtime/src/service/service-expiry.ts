/** The expiry loop of a service's database: whoever runs its messages runs it. */
import type { Query } from '../database/database.ts'
import { expireInbox } from '../inbox/inbox-expiry.ts'
import { expireJournal } from '../inbox/journal.ts'
import { createExpiryLoop, expireKeys } from './expiry.ts'
import type { Logger, Loop } from './loop.ts'

const day = 24 * 3600 * 1000

/** `everyMs`: between rounds, default one minute; `journalMs`: how long the journal is kept, default 7 days. */
export function createServiceExpiry(options: {
  query: Query
  logger: Logger
  everyMs?: number
  journalMs?: number
}): Loop {
  const { query, logger, everyMs = 60_000, journalMs = 7 * day } = options
  return createExpiryLoop({
    query,
    logger,
    everyMs,
    expiries: [
      expireKeys,
      expireInbox,
      { name: 'journal', batch: (run, limit) => expireJournal(run, { retentionMs: journalMs, limit }) },
    ],
  })
}
