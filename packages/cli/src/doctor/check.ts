/** What a check of `doctor` is: one question, asked of one place, with the fix of each answer that is wrong. */
import type { Query } from '@spandrel/runtime/operate'
import type { ServiceRegistration, StreamRegistration } from '@spandrel/runtime/operate'

export interface Finding {
  /** `error`: something is broken or will lose data; `warning`: it will hurt one day */
  severity: 'error' | 'warning'
  what: string
  /** a command, or SQL */
  fix: string
}

export type PlaceKind = 'service' | 'stream' | 'gateway'

/** A database of ours that answers. */
export interface Place {
  /** a service, `stream`, or `gateway` */
  name: string
  schema: 'spandrel' | 'spandrel_stream' | 'spandrel_gateway'
  kind: PlaceKind
  query: Query
  /** connection string, for checks that need connections of their own */
  url: string
  registration: { service?: ServiceRegistration; stream?: StreamRegistration }
  /** made by `spandrel dev`: what is wanted of a production server is not asked of it */
  development: boolean
  limits: Limits
}

/** When something counts as long or much. Seconds, rows, bytes. */
export interface Limits {
  transactionSeconds: number
  unsentSeconds: number
  expiredSeconds: number
  deadRows: number
  emptyTableBytes: number
  clockSeconds: number
  connectionShare: number
  /** a statement of `doctor` itself: then its database is given up */
  statementSeconds: number
  /** as server_version_num */
  oldestServer: number
}

export const usualLimits: Limits = {
  transactionSeconds: 300,
  unsentSeconds: 600,
  expiredSeconds: 6 * 3600,
  deadRows: 50_000,
  emptyTableBytes: 64 * 1024 * 1024,
  clockSeconds: 2,
  connectionShare: 0.8,
  statementSeconds: 15,
  oldestServer: 140_000,
}

export interface Check {
  id: string
  /** what it looks at, in a few words */
  looksAt: string
  /** absent: of all */
  of?: readonly PlaceKind[]
  /** of a server that may be somebody's production; not of one that `dev` made */
  production?: true
  run: (place: Place) => Promise<Finding[]>
}

export function error(what: string, fix: string): Finding {
  return { severity: 'error', what, fix }
}

export function warning(what: string, fix: string): Finding {
  return { severity: 'warning', what, fix }
}
