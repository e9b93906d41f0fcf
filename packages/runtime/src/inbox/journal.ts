/**
 * The journal: what happened to messages and requests that no other row tells. Nothing is silent (law 10); a message
 * that was simply handled needs no entry, its inbox row says so.
 */
import type { Query } from '../database/database.ts'

/** The closed list of kinds, and what each means in one entry. */
const journalKinds = {
  // operations
  received: 'an HTTP request arrived and its key was claimed',
  answered: 'an HTTP request was answered',
  'replayed-answer': 'a copy of a request got the remembered answer',
  overlap: 'a copy of a request came while the first was running',
  'key-reuse': 'a key came again with another payload, and was refused',
  call: 'another service was called',
  // messages
  duplicate: 'a message came again and was settled: it is known',
  suppressed: 'another message with the same intent had been handled',
  'attempt-failed': 'a handler threw or ran out of time',
  'attempt-died': 'the process died while this message was being tried alone',
  held: 'the message waits for its next attempt',
  waiting: 'the message waits behind an earlier one of its key',
  dead: 'the message became a dead letter',
  discard: 'the message was given up: who, why',
  expired: 'a dead letter came to the end of its retention and was discarded',
  'replay-requested': 'somebody asked for a replay',
  'discard-requested': 'somebody asked for a discard',
  'request-refused': 'what was asked could not be done',
  replay: 'a dead letter was put back to be tried again',
  outage: 'an operation paused: what it depends on is down',
  'outage-ended': 'an operation went on after an outage',
  pushed: 'the message was posted to a foreign service, and accepted',
  note: 'what the handler, or the foreign service, had to say',
  // partitions
  takeover: 'a partition was taken over from an owner that was gone',
  stopped: 'a partition stopped and waits for an operator',
  resumed: 'an operator let a stopped partition go on',
} as const

export type JournalKind = keyof typeof journalKinds

export interface JournalEntry {
  kind: JournalKind
  correlationid?: string | undefined
  operation?: string | undefined
  subscription?: string | undefined
  source?: string | undefined
  messageId?: string | undefined
  causationid?: string | undefined
  /** who: a person, or `contract`, `owner` where the rules did it */
  actor?: string | undefined
  why?: string | undefined
  detail?: Readonly<Record<string, unknown>> | undefined
}

/** Characters of `why` and of a note that are kept. */
const textLimit = 500

const insert = `
insert into spandrel.journal (kind, correlationid, operation, subscription, source, message_id, causationid, actor, why, detail)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])`

/** Writes all entries in one statement, in the order given; nothing where there are none. */
export async function journal(query: Query, entries: readonly JournalEntry[]): Promise<void> {
  if (entries.length === 0) return
  const column = (pick: (entry: JournalEntry) => string | undefined): (string | null)[] =>
    entries.map((entry) => pick(entry) ?? null)
  await query(insert, [
    column((entry) => entry.kind),
    column((entry) => entry.correlationid),
    column((entry) => entry.operation),
    column((entry) => entry.subscription),
    column((entry) => entry.source),
    column((entry) => entry.messageId),
    column((entry) => entry.causationid),
    column((entry) => entry.actor),
    column((entry) => entry.why?.slice(0, textLimit)),
    column((entry) => (entry.detail === undefined ? undefined : JSON.stringify(entry.detail))),
  ])
}

/**
 * Deletes entries older than the retention, a batch of the lowest ids at a time, each in a short transaction.
 * Resolves with how many went; fewer than `limit` means that it is done.
 */
export async function expireJournal(query: Query, options: { retentionMs: number; limit: number }): Promise<number> {
  const { rowCount } = await query(
    `delete from spandrel.journal where id in (
       select id from spandrel.journal where at < now() - $1 * interval '1 millisecond'
       order by at limit $2 for update skip locked)`,
    [options.retentionMs, options.limit],
  )
  return rowCount ?? 0
}
