import type { Finding } from '../model/finding.ts'
import type { SourceLocation } from '../model/location.ts'

/**
 * What a change means to those who rely on the contract.
 *
 * - `breaking`: somebody who kept to the old contract can fail
 * - `warning`: it may, and that cannot be known from the documents alone
 * - `minor`: something more is offered or promised
 * - `info`: nobody needs to do anything
 */
export type Level = 'breaking' | 'warning' | 'minor' | 'info'

/** What the next version has to be, by semver. */
export type Bump = 'major' | 'minor' | 'patch' | 'none'

/**
 * How a reader treats what nobody declared: `tolerant` takes an undeclared property as absent and an unknown error
 * status as its class; `strict` takes every such addition as something a reader may reject.
 */
export type Policy = 'tolerant' | 'strict'

type Area = 'operation' | 'schema' | 'security' | 'message' | 'guarantee' | 'lifecycle' | 'system'

/** A kind of change: one row of the table, one page in docs/diff, one pair of fixtures. */
export interface DiffRule {
  readonly area: Area
  readonly level: Level
  /** under the strict policy; absent: the same */
  readonly strict?: Level
  /** where the level is not what decides the version: an announced removal is a major version all the same */
  readonly bump?: Bump
  /** one line, true of every change of this kind */
  readonly law: string
  /** why it matters to the other side, and when it does not */
  readonly why: string
  /** what to do instead */
  readonly fix: string
}

/** Which way the data goes, seen from the application that the contract describes. */
export type Direction = 'received' | 'sent'

/** Somebody who relies on what changed. */
export interface Consumer {
  readonly service: string
  readonly owner?: string
  /** what of its own relies on it: a receive operation, or the reference under `uses` */
  readonly through: string
  readonly broken: 'yes' | 'no' | 'unknown'
  /** why it is, or is not, broken */
  readonly because: string
}

/** One change between two contracts. A finding like any other, so that every report can show it. */
export interface DiffFinding extends Finding {
  readonly level: Level
  readonly bump: Bump
  readonly area: Area
  /** stable over edits that move lines: a hash of place, keyword and change */
  readonly fingerprint: string
  readonly service: string
  /** who owns the service that changed */
  readonly owner?: string
  /** `<service>.<operation>`, `<service>.<message>`, or the service alone */
  readonly subject: string
  /** the subject as its document has it: `POST /orders`, `receive shop.orders` */
  readonly label: string
  /** what of the subject: `request body /lines/0/qty`, `idempotency.retention` */
  readonly place: string
  readonly direction?: Direction
  /** of a schema: the keyword that decides */
  readonly keyword?: string
  readonly before?: unknown
  readonly after?: unknown
  /** an instance that one side may send and the other rejects; JSON text */
  readonly witness?: string
  /** where it stood in the base */
  readonly base?: SourceLocation
  /** every other place where the same part of the same schema changed the same way */
  readonly also: readonly string[]
  /** known from spandrel.yaml; empty where nobody is known */
  readonly consumers: readonly Consumer[]
  /** the contract document it belongs to, absolute; absent for changes of spandrel.yaml */
  readonly document?: string
}
