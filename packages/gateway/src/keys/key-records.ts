/**
 * Key records in `spandrel_gateway.keys`: claimed under a lease before a request is sent, done with its outcome after.
 *
 *   (none) ──claim──▶ claimed ──finish──▶ done ──retention──▶ (none)
 *                      │   ▲ renew (while the exchange is open)
 *        nothing sent, │   │
 *        not remembered│   └─ claim by the next request, once the lease has ended: epoch + 1
 *                      └─release──▶ (none)
 *
 * The database's clock decides about leases. Every change is fenced by the owner of the claim, which is one request's
 * own: an outcome that comes after somebody else has taken the key over changes nothing.
 *
 * How a key is claimed. `found` is read first, so that a copy of a done key writes nothing; the insert's `on conflict`
 * decides between two who found nothing. It sees what was committed since the snapshot; whoever is in neither part
 * lost that race and asks again.
 */
import type { Database } from '@spandrel/runtime'
import { isTransientFailure, sqlState } from '@spandrel/runtime/operate'
import { MicroBatch } from './micro-batch.ts'

/** What identifies a key. */
interface KeyPlace {
  /** `<service>.<operation>` */
  readonly operation: string
  readonly scope: string
  readonly key: string
}

export interface WantedKey extends KeyPlace {
  readonly fingerprint: string
  readonly leaseMs: number
  readonly retentionMs: number
  readonly correlationId: string
  /** names the key inside this process */
  readonly id: string
}

/** A claim that this process holds. */
export interface HeldKey {
  readonly wanted: WantedKey
  readonly owner: string
  readonly epoch: string
  /** somebody had claimed it before, and no outcome of that ever became known */
  readonly takenOver: boolean
  /** on this process's own clock, from before the statement was sent: the lease lasts at least to here */
  leaseEndsAt: number
}

/** What a key ended with. `not-kept`: there was an answer, and it was too large to keep. */
export interface KeyOutcome {
  readonly outcome: 'answered' | 'not-kept'
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer | undefined
}

export interface KeyRecord extends KeyOutcome {
  readonly fingerprint: string
  /** of the request that was carried out */
  readonly correlationId: string | undefined
}

export type Claimed =
  | { readonly how: 'held'; readonly held: HeldKey }
  | { readonly how: 'done'; readonly record: KeyRecord }
  /** `unknown`: its exchange broke; nobody will tell before the lease ends */
  | { readonly how: 'elsewhere'; readonly unknown: boolean; readonly leaseMs: number }

interface Row {
  asked: string
  /** the record stands in the way of `asked`; else that has the key now, and `state` says what it was before */
  holds: boolean
  state: 'claimed' | 'done' | null
  outcome: 'answered' | 'not-kept' | 'unknown' | null
  fingerprint: string
  status: number | null
  headers: string | null
  body: string | null
  body_encoding: 'utf-8' | 'base64' | null
  owner: string
  epoch: string
  correlationid: string | null
  lease_ms: number
}

const claimSql = `
with wanted as (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::float8[])
    as w (operation, scope, key, fingerprint, owner, correlationid, lease_ms, retention_ms)
), found as (
  select w.owner as asked, k.* from wanted w cross join lateral (
    select state, outcome, fingerprint, status, headers, body, body_encoding, owner, epoch::text as epoch, correlationid,
      (extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as lease_ms,
      case r.state when 'done' then r.expires_at else r.lease_until end > clock_timestamp() as holds
    from spandrel_gateway.keys r where r.operation = w.operation and r.scope = w.scope and r.key = w.key
  ) k
), claimed as (
  insert into spandrel_gateway.keys as k
    (operation, scope, key, fingerprint, state, owner, epoch, lease_until, correlationid, expires_at)
  select operation, scope, key, fingerprint, 'claimed', owner, 1,
    clock_timestamp() + lease_ms * interval '1 millisecond', correlationid,
    clock_timestamp() + (lease_ms + retention_ms) * interval '1 millisecond'
  from wanted w where not exists (select 1 from found where found.asked = w.owner and found.holds)
  order by operation, scope, key
  on conflict (operation, scope, key) do update set
    fingerprint = excluded.fingerprint, state = 'claimed', outcome = null, status = null, headers = null, body = null,
    body_encoding = null, owner = excluded.owner, epoch = k.epoch + 1, lease_until = excluded.lease_until,
    correlationid = excluded.correlationid, claimed_at = clock_timestamp(), done_at = null,
    expires_at = excluded.expires_at
  where case k.state when 'done' then k.expires_at else k.lease_until end <= clock_timestamp()
  returning owner, epoch
)
select asked, holds, state, outcome, fingerprint, status, headers, body, body_encoding, owner, epoch, correlationid,
  lease_ms
from found where holds
union all
select c.owner, false, f.state, null, '', null, null, null, null, c.owner, c.epoch::text, null, 0
from claimed c left join found f on f.asked = c.owner`

const finishSql = `
update spandrel_gateway.keys k set state = 'done', outcome = o.outcome, status = o.status, headers = o.headers,
  body = o.body, body_encoding = o.body_encoding, done_at = clock_timestamp(),
  expires_at = greatest(k.expires_at, clock_timestamp() + o.retention_ms * interval '1 millisecond')
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::int[], $8::text[], $9::text[],
  $10::text[], $11::float8[])
  as o (operation, scope, key, owner, epoch, outcome, status, headers, body, body_encoding, retention_ms)
where k.operation = o.operation and k.scope = o.scope and k.key = o.key and k.owner = o.owner and k.epoch = o.epoch
returning k.owner`

const heldOnes = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[])
  as h (operation, scope, key, owner, lease_ms)`
const isHeld = `k.operation = h.operation and k.scope = h.scope and k.key = h.key and k.owner = h.owner
  and k.state = 'claimed'`

const renewSql = `
update spandrel_gateway.keys k set lease_until = clock_timestamp() + h.lease_ms * interval '1 millisecond'
from ${heldOnes} where ${isHeld} returning k.owner`
const releaseSql = `delete from spandrel_gateway.keys k using ${heldOnes} where ${isHeld} returning k.owner`
const unknownSql = `
update spandrel_gateway.keys k set outcome = 'unknown' from ${heldOnes} where ${isHeld} returning k.owner`

/** Statements of one kind in flight at once: where each commit waits for the disk, one alone would make requests queue. */
const lanes = 4

/** What a value can do to a statement: data that is none (22), a row that comes twice (21), a size beyond limits (54). */
function isOfItem(error: unknown): boolean {
  return /^(?:21|22|54)/.test(sqlState(error) ?? '')
}

type Owned = Pick<HeldKey, 'wanted' | 'owner'>

export class KeyRecords {
  readonly #database: Database
  readonly #process: string
  #claims = 0
  readonly #claiming: MicroBatch<Owned, Row | undefined>
  readonly #finishing: MicroBatch<{ held: HeldKey; outcome: KeyOutcome }, boolean>
  readonly #renewing: MicroBatch<Owned, boolean>
  readonly #releasing: MicroBatch<Owned, boolean>
  readonly #unknown: MicroBatch<Owned, boolean>
  lastSuccess: number | null = null
  lastError: { at: number; message: string } | null = null

  /** `name` tells this process from all others, also from those of the same gateway before it. */
  constructor(database: Database, name: string) {
    this.#database = database
    this.#process = name
    this.#claiming = new MicroBatch((items) => this.#claim(items), {
      lanes,
      identity: ({ wanted }) => wanted.id,
      isOfItem,
    })
    this.#finishing = new MicroBatch((items) => this.#finish(items), { lanes, isOfItem })
    this.#renewing = new MicroBatch((items) => this.#change(renewSql, items), { isOfItem })
    this.#releasing = new MicroBatch((items) => this.#change(releaseSql, items), { isOfItem })
    this.#unknown = new MicroBatch((items) => this.#change(unknownSql, items), { isOfItem })
  }

  /** Rejects where the database cannot say: nothing must be sent then, and the claim may stand until its lease ends. */
  async claim(wanted: WantedKey): Promise<Claimed> {
    const owner = `${this.#process}/${++this.#claims}`
    for (;;) {
      const askedAt = performance.now()
      let row: Row | undefined
      try {
        row = await this.#claiming.ask({ wanted, owner })
      } catch (error) {
        // It may have been committed all the same. Nobody stands behind it: the key is free as soon as this arrives.
        void this.#releasing.ask({ wanted, owner }).catch(() => {})
        throw error
      }
      if (row === undefined) continue
      // Its own: the answer to a first try was lost on the way.
      if (!row.holds || row.owner === owner) {
        const takenOver = !row.holds && row.state === 'claimed'
        return {
          how: 'held',
          held: { wanted, owner, epoch: row.epoch, takenOver, leaseEndsAt: askedAt + wanted.leaseMs },
        }
      }
      if (row.state === 'done') return { how: 'done', record: recordOf(row) }
      return { how: 'elsewhere', unknown: row.outcome === 'unknown', leaseMs: Math.max(0, row.lease_ms) }
    }
  }

  /** Writes the outcome; false: the key is somebody else's by now. Rejects where the database cannot say. */
  finish(held: HeldKey, outcome: KeyOutcome): Promise<boolean> {
    return this.#finishing.ask({ held, outcome })
  }

  /** The lease begins anew; false: the key is somebody else's by now. */
  async renew(held: HeldKey): Promise<boolean> {
    const askedAt = performance.now()
    const renewed = await this.#renewing.ask(held)
    if (renewed) held.leaseEndsAt = askedAt + held.wanted.leaseMs
    return renewed
  }

  /** Ends a key without an outcome: nothing was sent, or the contract does not remember what came. */
  release(held: HeldKey): Promise<boolean> {
    return this.#releasing.ask(held)
  }

  /** Says that nobody will tell how this exchange ended: copies are told to wait for the end of its lease. */
  markUnknown(held: HeldKey): Promise<boolean> {
    return this.#unknown.ask(held)
  }

  async settled(): Promise<void> {
    for (const batch of [this.#claiming, this.#finishing, this.#renewing, this.#releasing, this.#unknown])
      await batch.settled()
  }

  async #claim(items: readonly Owned[]): Promise<(Row | undefined)[]> {
    const wanted = items.map((item) => item.wanted)
    const rows = await this.#ask<Row>(claimSql, [
      ...places(wanted),
      wanted.map(({ fingerprint }) => fingerprint),
      items.map(({ owner }) => owner),
      wanted.map(({ correlationId }) => correlationId),
      wanted.map(({ leaseMs }) => leaseMs),
      wanted.map(({ retentionMs }) => retentionMs),
    ])
    const found = new Map(rows.map((row) => [row.asked, row]))
    return items.map(({ owner }) => found.get(owner))
  }

  async #finish(items: readonly { held: HeldKey; outcome: KeyOutcome }[]): Promise<boolean[]> {
    // In the order of the keys, as claims are: two statements that meet must not wait for each other in a circle.
    const ordered = items.toSorted((a, b) => (a.held.wanted.id < b.held.wanted.id ? -1 : 1))
    const bodies = ordered.map(({ outcome }) => storedBody(outcome.body))
    const rows = await this.#ask<{ owner: string }>(finishSql, [
      ...places(ordered.map(({ held }) => held.wanted)),
      ordered.map(({ held }) => held.owner),
      ordered.map(({ held }) => held.epoch),
      ordered.map(({ outcome }) => outcome.outcome),
      ordered.map(({ outcome }) => outcome.status),
      ordered.map(({ outcome }) => JSON.stringify(outcome.headers)),
      bodies.map(({ text }) => text),
      bodies.map(({ encoding }) => encoding),
      ordered.map(({ held }) => held.wanted.retentionMs),
    ])
    const written = new Set(rows.map(({ owner }) => owner))
    return items.map(({ held }) => written.has(held.owner))
  }

  async #change(sql: string, items: readonly Owned[]): Promise<boolean[]> {
    const rows = await this.#ask<{ owner: string }>(sql, [
      ...places(items.map(({ wanted }) => wanted)),
      items.map(({ owner }) => owner),
      items.map(({ wanted }) => wanted.leaseMs),
    ])
    const changed = new Set(rows.map(({ owner }) => owner))
    return items.map(({ owner }) => changed.has(owner))
  }

  /** Once more where the connection was lost or two statements met: each of them may be repeated. */
  async #ask<R>(sql: string, values: readonly unknown[]): Promise<R[]> {
    for (let tries = 1; ; tries++) {
      try {
        const { rows } = await this.#database.query<R>(sql, values)
        this.lastSuccess = Date.now()
        return rows
      } catch (error) {
        this.lastError = { at: Date.now(), message: error instanceof Error ? error.message : String(error) }
        if (tries === 2 || !isTransientFailure(error)) throw error
      }
    }
  }
}

function places(keys: readonly KeyPlace[]): [string[], string[], string[]] {
  return [keys.map(({ operation }) => operation), keys.map(({ scope }) => scope), keys.map(({ key }) => key)]
}

/** Text where it is text: an operator can read it. Postgres keeps no NUL in one. */
function storedBody(body: Buffer | undefined): { text: string | null; encoding: 'utf-8' | 'base64' | null } {
  if (body === undefined) return { text: null, encoding: null }
  const text = body.toString('utf8')
  const same = !text.includes('\0') && Buffer.byteLength(text) === body.length && Buffer.from(text).equals(body)
  return same ? { text, encoding: 'utf-8' } : { text: body.toString('base64'), encoding: 'base64' }
}

function recordOf(row: Row): KeyRecord {
  return {
    outcome: row.outcome === 'not-kept' ? 'not-kept' : 'answered',
    status: row.status ?? 200,
    headers: JSON.parse(row.headers ?? '{}') as KeyRecord['headers'],
    body: row.body === null ? undefined : Buffer.from(row.body, row.body_encoding === 'base64' ? 'base64' : 'utf8'),
    fingerprint: row.fingerprint,
    correlationId: row.correlationid ?? undefined,
  }
}
