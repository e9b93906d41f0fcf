/**
 * A message in the hands of a subscription's owner, from being fetched (or found due among the held) to the commit
 * that says what became of it.
 *
 *   fetched ─▶ prepared ─▶ in a job ─┬─ committed: handled, duplicate, suppressed, discarded, held … ▶ gone
 *      ▲                             ├─ its own failure ▶ with a verdict ▶ in a job that records it
 *      └── not its fault ◀───────────┘
 *
 * Nothing here is the truth: a process that dies loses entries and nothing else.
 */
import type { Envelope, MessageAttributes } from '../message/envelope.ts'
import type { ReceivedMessage } from './handlers.ts'
import type { Operation } from './operation.ts'

/** The row of a held message, as its owner read it. */
export interface HeldRow {
  readonly id: string
  readonly attempts: number
  readonly operation: string | undefined
  readonly dead: boolean
  /** since it was first held */
  readonly ageMs: number
  readonly reason: string | undefined
  readonly expired: boolean
  readonly replays: number
  readonly request: HeldRequest | undefined
}

interface HeldRequest {
  readonly what: 'replay' | 'discard'
  readonly by: string
  readonly why: string | undefined
  /** the asker knows that its intent may have been forgotten */
  readonly pastWindow: boolean
}

/** What an entry's contract key is: present where the operation's idempotency has a key of its own. */
export interface Intent {
  readonly scope: string
  readonly key: string
  readonly fingerprint: string
  readonly retentionMs: number
}

/** What is to be recorded of an entry instead of handling it. */
export type Verdict =
  | { kind: 'retry'; attempts: number; delayMs: number; reason: string; error: string }
  | { kind: 'dead'; attempts: number; reason: string; error: string }
  | { kind: 'discard'; attempts: number; reason: string; error: string; actor: string; expired: boolean }
  | { kind: 'replay'; actor: string; why: string | undefined }
  | { kind: 'refuse'; actor: string; what: 'replay' | 'discard'; error: string }
  | { kind: 'ignore' }

export interface Prepared<Tx> {
  readonly operation: Operation<Tx>
  readonly message: ReceivedMessage
  readonly intent: Intent | undefined
}

/** A key record this process holds for an `act`. */
export interface ActClaim {
  readonly scope: string
  readonly key: string
  readonly epoch: string
}

export interface Entry<Tx> {
  readonly partition: number
  /** of the ownership it was read under: the fence */
  readonly epoch: string
  /** in the partition; 0 for a held message */
  readonly offset: number
  readonly held: HeldRow | undefined
  readonly envelope: Envelope
  /** entries of one lane run in order, one at a time */
  readonly lane: string
  /** undefined until prepared; then this, or a verdict */
  prepared: Prepared<Tx> | undefined
  verdict: Verdict | undefined
  /** handled in a transaction of its own: something went wrong beside it, or in it */
  alone: boolean
  /** its mark is committed, and goes with the commit that says what became of it */
  marked: boolean
  /** not before this (performance.now) */
  notBefore: number
  /** external: claimed, being acted, acted */
  claim: ActClaim | undefined
  acted: { result: unknown; notes: readonly string[] } | undefined
}

/** Text columns take no NUL; a stranger's attributes may have one. */
function storable(envelope: Envelope): Envelope {
  const { attributes, data } = envelope
  const bad = (text: string | undefined): boolean => text?.includes('\u0000') === true
  if (!bad(data) && !Object.values(attributes).some(bad)) return envelope
  const clean = (text: string): string => text.replaceAll('\u0000', '\ufffd')
  const pairs = Object.entries(attributes).map(([name, value]) => [
    clean(name),
    value === undefined ? value : clean(value),
  ])
  return { attributes: Object.fromEntries(pairs) as MessageAttributes, data: clean(data) }
}

export function newEntry<Tx>(from: {
  partition: number
  epoch: string
  offset: number
  held?: HeldRow
  envelope: Envelope
  serial: boolean
  alone?: boolean
}): Entry<Tx> {
  const envelope = storable(from.envelope)
  const { partitionkey, source, id } = envelope.attributes
  const key = from.serial ? 's' : partitionkey === undefined ? `u${JSON.stringify([source, id])}` : `k${partitionkey}`
  return {
    partition: from.partition,
    epoch: from.epoch,
    offset: from.offset,
    held: from.held,
    envelope,
    lane: `${from.partition}${key}`,
    prepared: undefined,
    verdict: undefined,
    alone: from.alone ?? false,
    marked: false,
    notBefore: 0,
    claim: undefined,
    acted: undefined,
  }
}

/** Attempts of its own so far. */
export function attemptsOf<Tx>(entry: Entry<Tx>): number {
  return entry.held?.attempts ?? 0
}
