/**
 * What one transaction will write about its messages, collected first and written with one statement a table.
 * Everything is issued without waiting in between; the caller waits for all of it before it commits.
 */
import type { Query } from '../database/database.ts'
import type { OutgoingMessage } from '../message/envelope.ts'
import { insertMessages } from '../outbox/buffer.ts'
import { deadCopy } from './dead-copy.ts'
import { attemptsOf, type Entry, type Verdict } from './entry.ts'
import { journal, type JournalEntry, type JournalKind } from './journal.ts'
import type { Subscription } from './operation.ts'

/** How long a dead letter is kept whose contract is not known: its type is. */
const unknownRetentionMs = 14 * 24 * 60 * 60 * 1000

interface Outcome<Tx> {
  entry: Entry<Tx>
  outcome: 'suppressed' | 'discarded' | 'ignored'
  by?: { source: string; id: string }
}

const insertInbox = `
insert into spandrel.inbox (subscription, source, message_id, operation, type, outcome, by_source, by_message_id, partition,
  "offset", epoch, partitionkey, correlationid, expires_at)
select $1, *, clock_timestamp() + $14::float8 * interval '1 millisecond'
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::bigint[],
  $11::bigint[], $12::text[], $13::text[])
on conflict (subscription, source, message_id) do update set outcome = excluded.outcome,
  by_source = excluded.by_source, by_message_id = excluded.by_message_id`

/** Claimed at the beginning of this transaction, and not handled in it after all. */
const unclaim = `
delete from spandrel.inbox i using unnest($2::text[], $3::text[]) as m(source, message_id)
where i.subscription = $1 and i.source = m.source and i.message_id = m.message_id`

/** The claim of an act that failed: whoever comes next need not wait for its lease. */
const endClaims = `
update spandrel.keys k set owner = null, lease_until = clock_timestamp()
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as m(operation, scope, key, epoch)
where k.operation = m.operation and k.scope = m.scope and k.key = m.key and k.epoch = m.epoch and k.state = 'claimed'`

const insertHeld = `
insert into spandrel.held (subscription, channel, operation, partition, partitionkey, source, message_id, type, attributes,
  data, attempts, due_at, dead_at, expires_at, reason, error, contract_version, correlationid)
select $1, $2, operation, partition, partitionkey, source, message_id, type, attributes, data, attempts,
  clock_timestamp() + delay_ms * interval '1 millisecond',
  case when dead then clock_timestamp() end,
  case when dead then clock_timestamp() + retention_ms * interval '1 millisecond' end,
  reason, error, $3, correlationid
from unnest($4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::int[],
  $13::float8[], $14::bool[], $15::float8[], $16::text[], $17::text[], $18::text[])
  with ordinality as m(operation, partition, partitionkey, source, message_id, type, attributes, data, attempts,
    delay_ms, dead, retention_ms, reason, error, correlationid, n)
order by n
on conflict do nothing`

const updateHeld = `
update spandrel.held h set attempts = m.attempts, operation = coalesce(m.operation, h.operation),
  due_at = clock_timestamp() + m.delay_ms * interval '1 millisecond',
  dead_at = case when m.dead then clock_timestamp() end,
  expires_at = case when m.dead then clock_timestamp() + m.retention_ms * interval '1 millisecond' end,
  reason = m.reason, error = m.error, contract_version = $2
from unnest($3::bigint[], $4::text[], $5::int[], $6::float8[], $7::bool[], $8::float8[], $9::text[], $10::text[])
  as m(id, operation, attempts, delay_ms, dead, retention_ms, reason, error)
where h.subscription = $1 and h.id = m.id`

/** A replay begins a new series of attempts; how often that was done is counted. */
const replayHeld = `
update spandrel.held set dead_at = null, expires_at = null, due_at = null, attempts = 0, replays = replays + 1,
  request = null, requested_by = null, requested_why = null, requested_at = null, request_past_window = false
where subscription = $1 and id = any($2::bigint[])`

const clearRequests = `
update spandrel.held set request = null, requested_by = null, requested_why = null, requested_at = null, request_past_window = false
where subscription = $1 and id = any($2::bigint[])`

const deleteHeld = 'delete from spandrel.held where subscription = $1 and id = any($2::bigint[])'

/** The intent of what was discarded is done with: a copy that comes later must not run. */
const insertDoneKeys = `
insert into spandrel.keys (operation, scope, key, fingerprint, state, outcome, source, message_id, subscription, partitionkey,
  correlationid, done_at, expires_at)
select operation, scope, key, fingerprint, 'done', 'discarded', source, message_id, $1, partitionkey, correlationid,
  clock_timestamp(), clock_timestamp() + retention_ms * interval '1 millisecond'
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::float8[])
  as m(operation, scope, key, fingerprint, source, message_id, partitionkey, correlationid, retention_ms)
order by 1, 2, 3
on conflict (operation, scope, key) do update set state = 'done', outcome = 'discarded', owner = null, lease_until = null,
  done_at = excluded.done_at, expires_at = excluded.expires_at
where keys.state = 'claimed' and keys.source = excluded.source and keys.message_id = excluded.message_id`

export class Ledger<Tx> {
  readonly #subscription: Subscription<Tx>
  readonly #service: string
  readonly #version: string
  readonly #rememberMs: number
  readonly #outcomes: Outcome<Tx>[] = []
  readonly #held: { entry: Entry<Tx>; verdict: Verdict | undefined }[] = []
  readonly #heldAgain: { entry: Entry<Tx>; verdict: Verdict & { kind: 'retry' | 'dead' } }[] = []
  readonly #replayed: string[] = []
  readonly #cleared: string[] = []
  readonly #gone: string[] = []
  readonly #discarded: Entry<Tx>[] = []
  readonly #unclaimed: Entry<Tx>[] = []
  readonly #journal: JournalEntry[] = []
  readonly #copies: OutgoingMessage[] = []

  constructor(subscription: Subscription<Tx>, options: { service: string; version: string; rememberMs: number }) {
    this.#subscription = subscription
    this.#service = options.service
    this.#version = options.version
    this.#rememberMs = options.rememberMs
  }

  /** Whether the held messages of this subscription are other ones after the commit. */
  get touchesHeld(): boolean {
    return (
      this.#held.length + this.#heldAgain.length + this.#replayed.length + this.#cleared.length + this.#gone.length > 0
    )
  }

  /** Whether there is something to send after the commit. */
  get sends(): boolean {
    return this.#copies.length > 0
  }

  /** It is known already: nothing but a line in the journal, and the settling. */
  duplicate(entry: Entry<Tx>, why: string): void {
    this.note('duplicate', entry, { why, detail: { partition: entry.partition, offset: entry.offset } })
    if (entry.held !== undefined) this.#gone.push(entry.held.id)
  }

  /** Its delivery record was claimed with this transaction; a held one is none any more. */
  handled(entry: Entry<Tx>): void {
    if (entry.held !== undefined) this.#gone.push(entry.held.id)
  }

  suppressed(entry: Entry<Tx>, by: { source: string; id: string }): void {
    this.#outcomes.push({ entry, outcome: 'suppressed', by })
    this.note('suppressed', entry, { detail: { bySource: by.source, byMessageId: by.id } })
    if (entry.held !== undefined) this.#gone.push(entry.held.id)
  }

  /** Takes back the delivery record that was claimed in this transaction. */
  unclaim(entry: Entry<Tx>): void {
    this.#unclaimed.push(entry)
  }

  /** It waits behind an earlier message of its key. */
  behind(entry: Entry<Tx>): void {
    this.#held.push({ entry, verdict: undefined })
    this.note('waiting', entry, {})
  }

  /** Records a verdict. */
  pronounce(entry: Entry<Tx>, verdict: Verdict): void {
    switch (verdict.kind) {
      case 'ignore':
        this.#outcomes.push({ entry, outcome: 'ignored' })
        if (entry.held !== undefined) this.#gone.push(entry.held.id)
        return
      case 'retry':
      case 'dead':
        if (entry.held === undefined) this.#held.push({ entry, verdict })
        else this.#heldAgain.push({ entry, verdict })
        this.#attempted(entry, verdict)
        if (verdict.kind === 'dead') this.#died(entry, verdict)
        else this.note('held', entry, { detail: { delayMs: Math.round(verdict.delayMs), attempts: verdict.attempts } })
        return
      case 'discard':
        this.#outcomes.push({ entry, outcome: 'discarded' })
        if (entry.prepared?.intent !== undefined) this.#discarded.push(entry)
        if (entry.held !== undefined) this.#gone.push(entry.held.id)
        this.#attempted(entry, verdict)
        this.note(verdict.expired ? 'expired' : 'discard', entry, {
          actor: verdict.actor,
          why: verdict.error,
          detail: { reason: verdict.reason, attempts: verdict.attempts },
        })
        return
      case 'replay':
        if (entry.held !== undefined) this.#replayed.push(entry.held.id)
        this.note('replay', entry, {
          actor: verdict.actor,
          why: verdict.why,
          detail: { replays: (entry.held?.replays ?? 0) + 1 },
        })
        return
      case 'refuse':
        if (entry.held !== undefined) this.#cleared.push(entry.held.id)
        this.note('request-refused', entry, {
          actor: verdict.actor,
          why: verdict.error,
          detail: { request: verdict.what },
        })
    }
  }

  note(
    kind: JournalKind,
    entry: Entry<Tx>,
    more: { actor?: string | undefined; why?: string | undefined; detail?: Record<string, unknown> },
  ): void {
    const { attributes } = entry.envelope
    this.#journal.push({
      kind,
      correlationid: attributes.correlationid,
      operation: entry.prepared?.operation.name ?? entry.held?.operation,
      subscription: this.#subscription.name,
      source: attributes.source,
      messageId: attributes.id,
      causationid: attributes.causationid,
      ...more,
    })
  }

  /** Issues every statement there is something for; each of the promises has to be waited for. */
  write(query: Query): Promise<unknown>[] {
    const statements: Promise<unknown>[] = []
    const name = this.#subscription.name
    if (this.#unclaimed.length > 0) {
      const identities = this.#unclaimed.map(({ envelope }) => envelope.attributes)
      statements.push(query(unclaim, [name, identities.map(({ source }) => source), identities.map(({ id }) => id)]))
    }
    if (this.#gone.length > 0) statements.push(query(deleteHeld, [name, this.#gone]))
    if (this.#outcomes.length > 0) statements.push(query(insertInbox, this.#inboxValues()))
    if (this.#discarded.length > 0) statements.push(query(insertDoneKeys, this.#keyValues()))
    if (this.#heldAgain.length > 0) statements.push(query(updateHeld, this.#updateValues()))
    if (this.#held.length > 0) statements.push(query(insertHeld, this.#heldValues()))
    if (this.#replayed.length > 0) statements.push(query(replayHeld, [name, this.#replayed]))
    if (this.#cleared.length > 0) statements.push(query(clearRequests, [name, this.#cleared]))
    const claims = [...this.#heldAgain, ...this.#held].filter(({ entry }) => entry.claim !== undefined)
    if (claims.length > 0) {
      statements.push(
        query(endClaims, [
          claims.map(({ entry }) => entry.prepared?.operation.name),
          claims.map(({ entry }) => entry.claim?.scope),
          claims.map(({ entry }) => entry.claim?.key),
          claims.map(({ entry }) => entry.claim?.epoch),
        ]),
      )
    }
    if (this.#copies.length > 0) statements.push(insertMessages(query, this.#copies))
    if (this.#journal.length > 0) statements.push(journal(query, this.#journal))
    return statements
  }

  #died(entry: Entry<Tx>, verdict: Verdict & { kind: 'dead' }): void {
    const copy = deadCopy(this.#service, this.#operation(entry), entry, verdict)
    if (copy !== undefined) this.#copies.push(copy)
    this.note('dead', entry, {
      why: verdict.error,
      detail: { reason: verdict.reason, attempts: verdict.attempts, ...(copy && { channel: copy.channel }) },
    })
  }

  #attempted(entry: Entry<Tx>, verdict: Verdict & { kind: 'retry' | 'dead' | 'discard' }): void {
    if (verdict.attempts <= attemptsOf(entry)) return
    this.note(verdict.reason === 'crashed' ? 'attempt-died' : 'attempt-failed', entry, {
      why: verdict.error,
      detail: { attempt: verdict.attempts, reason: verdict.reason },
    })
  }

  #operation(entry: Entry<Tx>): Subscription<Tx>['operations'][number] | undefined {
    return entry.prepared?.operation ?? this.#subscription.types.get(entry.envelope.attributes.type)?.operation
  }

  #retentionMs(entry: Entry<Tx>): number {
    const deadLetter = this.#operation(entry)?.guarantees.deadLetter
    return deadLetter === undefined || deadLetter === 'none' ? unknownRetentionMs : deadLetter.retentionMs
  }

  #inboxValues(): unknown[] {
    const rows = this.#outcomes
    return [
      this.#subscription.name,
      rows.map(({ entry }) => entry.envelope.attributes.source),
      rows.map(({ entry }) => entry.envelope.attributes.id),
      rows.map(({ entry }) => this.#operation(entry)?.name ?? null),
      rows.map(({ entry }) => entry.envelope.attributes.type),
      rows.map(({ outcome }) => outcome),
      rows.map(({ by }) => by?.source ?? null),
      rows.map(({ by }) => by?.id ?? null),
      rows.map(({ entry }) => entry.partition),
      rows.map(({ entry }) => entry.offset),
      rows.map(({ entry }) => entry.epoch),
      rows.map(({ entry }) => entry.envelope.attributes.partitionkey ?? null),
      rows.map(({ entry }) => entry.envelope.attributes.correlationid ?? null),
      this.#rememberMs,
    ]
  }

  #heldValues(): unknown[] {
    const rows = this.#held
    const settled = (verdict: Verdict | undefined): (Verdict & { kind: 'retry' | 'dead' }) | undefined =>
      verdict?.kind === 'retry' || verdict?.kind === 'dead' ? verdict : undefined
    return [
      this.#subscription.name,
      this.#subscription.channel,
      this.#version,
      rows.map(({ entry }) => this.#operation(entry)?.name ?? null),
      rows.map(({ entry }) => entry.partition),
      rows.map(({ entry }) => entry.envelope.attributes.partitionkey ?? null),
      rows.map(({ entry }) => entry.envelope.attributes.source),
      rows.map(({ entry }) => entry.envelope.attributes.id),
      rows.map(({ entry }) => entry.envelope.attributes.type),
      rows.map(({ entry }) => JSON.stringify(entry.envelope.attributes)),
      rows.map(({ entry }) => entry.envelope.data),
      rows.map(({ verdict }) => settled(verdict)?.attempts ?? 0),
      rows.map(({ verdict }) => (verdict?.kind === 'retry' ? verdict.delayMs : null)),
      rows.map(({ verdict }) => verdict?.kind === 'dead'),
      rows.map(({ entry }) => this.#retentionMs(entry)),
      rows.map(({ verdict }) => settled(verdict)?.reason ?? null),
      rows.map(({ verdict }) => settled(verdict)?.error ?? null),
      rows.map(({ entry }) => entry.envelope.attributes.correlationid ?? null),
    ]
  }

  #updateValues(): unknown[] {
    const rows = this.#heldAgain
    return [
      this.#subscription.name,
      this.#version,
      rows.map(({ entry }) => entry.held?.id),
      rows.map(({ entry }) => this.#operation(entry)?.name ?? null),
      rows.map(({ verdict }) => verdict.attempts),
      rows.map(({ verdict }) => (verdict.kind === 'retry' ? verdict.delayMs : null)),
      rows.map(({ verdict }) => verdict.kind === 'dead'),
      rows.map(({ entry }) => this.#retentionMs(entry)),
      rows.map(({ verdict }) => verdict.reason),
      rows.map(({ verdict }) => verdict.error),
    ]
  }

  #keyValues(): unknown[] {
    const rows = this.#discarded
    return [
      this.#subscription.name,
      rows.map(({ prepared }) => prepared?.operation.name),
      rows.map(({ prepared }) => prepared?.intent?.scope),
      rows.map(({ prepared }) => prepared?.intent?.key),
      rows.map(({ prepared }) => prepared?.intent?.fingerprint),
      rows.map(({ envelope }) => envelope.attributes.source),
      rows.map(({ envelope }) => envelope.attributes.id),
      rows.map(({ envelope }) => envelope.attributes.partitionkey ?? null),
      rows.map(({ envelope }) => envelope.attributes.correlationid ?? null),
      rows.map(({ prepared }) => prepared?.intent?.retentionMs),
    ]
  }
}
