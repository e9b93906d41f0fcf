/**
 * Key records of HTTP operations in `spandrel.keys`.
 *
 * How a key is claimed. Three ways were weighed:
 * - `insert … on conflict` first, update at the end: blocks behind an open copy instead of reporting overlap, and
 *   leaves a dead row for every request.
 * - insert under an advisory lock first, update at the end: right, and still one dead row and one more statement a
 *   request.
 * - advisory lock, then *read* in a new statement, insert the finished record with the commit (this one): the lock
 *   keeps every other copy out until commit or rollback, nothing is ever updated, and the primary key still fails the
 *   transaction should the lock ever not have been enough.
 * The read must be a statement of its own behind the lock's: in one statement the snapshot is older than the lock,
 * and a copy that committed in between is not seen (it ran twice).
 */
import type { Query } from '../database/database.ts'
import { bodySize, keptHeaders, type Rendered } from './answer.ts'
import type { Claim } from './key.ts'

/** A done key and its answer. */
export interface KeyRecord {
  readonly fingerprint: string
  readonly answer: Rendered
  /** correlation id of the request that was carried out */
  readonly correlationid: string | undefined
  /** which attempt wrote it: tells an unknown commit of our own from another's */
  readonly attempt: string | undefined
}

interface Row {
  state: 'claimed' | 'done'
  fingerprint: string
  status: number | null
  headers: string | null
  body: string | null
  correlationid: string | null
  owner: string | null
  expired: boolean
}

const lock = 'select pg_try_advisory_xact_lock($1::bigint) as locked'

const read = `
select state, fingerprint, status, headers, body, correlationid, owner,
  coalesce(expires_at < clock_timestamp(), false) as expired
from spandrel.keys where operation = $1 and scope = $2 and key = $3`

const insert = `
insert into spandrel.keys
  (operation, scope, key, fingerprint, state, outcome, status, headers, body, owner, correlationid, done_at, expires_at)
values ($1, $2, $3, $4, 'done', 'answered', $5, $6, $7, $8, $9, clock_timestamp(),
  clock_timestamp() + $10::float8 * interval '1 millisecond')`

/** Over a claim that somebody left behind; the lock says that nobody is at it. */
const overClaim = `
on conflict (operation, scope, key) do update set state = 'done', fingerprint = excluded.fingerprint,
  outcome = excluded.outcome, correlationid = excluded.correlationid, status = excluded.status, headers = excluded.headers,
  body = excluded.body, owner = excluded.owner, done_at = excluded.done_at, expires_at = excluded.expires_at`

/** Takes the key's lock until the transaction ends; false: another copy has it. Never waits. */
export async function tryLock(query: Query, claim: Claim): Promise<boolean> {
  const { rows } = await query<{ locked: boolean }>(lock, [claim.lock])
  return rows[0]?.locked === true
}

/**
 * What is known of a key. Only *done* suppresses: a claim without an outcome is the trace of an attempt that failed. A
 * record past its retention is as good as deleted, whenever the expiry comes to it; both are written over.
 */
export async function readKey(
  query: Query,
  claim: Claim,
): Promise<{ done: KeyRecord; claimed: false } | { done: undefined; claimed: boolean }> {
  const { rows } = await query<Row>(read, [claim.operation.operation, claim.scope, claim.key])
  const row = rows[0]
  if (row === undefined || row.state !== 'done' || row.expired) return { done: undefined, claimed: row !== undefined }
  const done: KeyRecord = {
    fingerprint: row.fingerprint,
    answer: {
      status: row.status ?? 200,
      headers: JSON.parse(row.headers ?? '{}') as Record<string, string>,
      body: row.body ?? undefined,
    },
    correlationid: row.correlationid ?? undefined,
    attempt: row.owner ?? undefined,
  }
  return { done, claimed: false }
}

/** Writes the record of a key that is done with this statement's commit, and returns it as a copy will see it. */
export function writeRecord(
  query: Query,
  claim: Claim,
  answer: Rendered,
  attempt: { id: string; correlationid: string; overClaim: boolean },
): { written: Promise<unknown>; record: KeyRecord } {
  const headers = keptHeaders(claim.operation, answer)
  const body = answer.body === undefined ? null : String(answer.body)
  const written = query(attempt.overClaim ? insert + overClaim : insert, [
    claim.operation.operation,
    claim.scope,
    claim.key,
    claim.fingerprint,
    answer.status,
    JSON.stringify(headers),
    body,
    attempt.id,
    attempt.correlationid,
    claim.guarantee.retentionMs,
  ])
  const record: KeyRecord = {
    fingerprint: claim.fingerprint,
    answer: { status: answer.status, headers, body: answer.body },
    correlationid: attempt.correlationid,
    attempt: attempt.id,
  }
  return { written, record }
}

/** Statuses that say "not now" rather than "no": a copy deserves another try. */
const passing = new Set([401, 403, 408, 409, 425, 429])

/** Whether a failed outcome is one that is kept and replayed. Successes always are: their effects were committed. */
export function isRemembered(claim: Claim, answer: Rendered): boolean {
  const { status } = answer
  if (status < 400) return true
  switch (claim.guarantee.remembers) {
    case 'success':
      return false
    case 'final':
      return status < 500 && !passing.has(status)
    case 'all':
      return true
  }
}

/** Only text can be kept, and only so much of it. */
export function isKeepable(answer: Rendered, maxBytes: number): boolean {
  return !(answer.body instanceof Uint8Array) && bodySize(answer) <= maxBytes
}
