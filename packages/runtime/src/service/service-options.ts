/** What `createService` is given, and the types that relate a contract to its handlers. */
import type { CallerOptions } from '../calls/call.ts'
import type { ContractTypes } from '../contract/service-contract.ts'
import type { Database } from '../database/database.ts'
import type { PgPool, PgTransaction } from '../database/pg.ts'
import { SpandrelError } from '../errors.ts'
import type { ReceiveHandler } from '../inbox/handlers.ts'
import type { ConsumerTuning } from '../inbox/options.ts'
import type { OperationHandler } from '../operations/handlers.ts'
import type { Identify } from '../operations/identity.ts'
import type { RelayOptions } from '../outbox/relay.ts'
import type { Transport } from '../transport/transport.ts'
import type { Logger } from './loop.ts'

/** The transaction type of a database: of an adapter its own, of a bare `pg` pool a client. */
export type TransactionOf<D> = D extends Database<infer Tx> ? Tx : PgTransaction

/** One handler for each operation and each receive of the contract. */
export type Handlers<T extends ContractTypes, Tx> = {
  readonly [K in keyof T['operations'] | keyof T['receives']]: K extends keyof T['operations']
    ? OperationHandler<T, K, Tx>
    : K extends keyof T['receives']
      ? ReceiveHandler<T, Tx, K>
      : never
}

/** Makes a handler that the contract does not know an error of compilation. */
export type NoOthers<T extends ContractTypes, H> = {
  readonly [K in Exclude<keyof H, keyof T['operations'] | keyof T['receives']>]: never
}

/** The pace of the relay; see its options. */
type RelayTuning = Omit<RelayOptions, 'contract' | 'database' | 'transport' | 'logger'>

export interface ServiceOptions<D extends Database | PgPool> {
  /** an adapter (`kyselyDatabase(db)`, `pgDatabase(pool)`) or a bare `pg` pool; it stays yours and is not closed */
  database: D
  /** default: SPANDREL_TRANSPORT_URL; not needed by a service that neither sends nor receives */
  transport?: string | Transport
  /** default: warnings and errors as JSON lines on standard error */
  logger?: Logger
  /** whether this process may run the relay, or its pace; default true. Where several may, one works at a time. */
  relay?: boolean | RelayTuning
  /** whether this process consumes, or its pace; default true */
  consume?: boolean | Partial<ConsumerTuning>
  /** the `spandrel-caller` header is believed: only behind a gateway that sets it. Default: SPANDREL_TRUST_CALLER=1 */
  trustCaller?: boolean
  /** what the gateway signs `spandrel-caller` with: then only a signed one is believed. Default: SPANDREL_CALLER_SECRET */
  callerSecret?: string
  /** verifies callers in the service itself, instead of trusting a header */
  identify?: Identify
  /** bearer token of health and metrics; default: SPANDREL_MANAGEMENT_TOKEN. Without one only this machine may ask. */
  managementToken?: string
  /** answers are checked against the contract; default false */
  validateAnswers?: boolean
  /** bytes; default 1 MiB */
  maxBodyBytes?: number
  /** bytes of the largest answer that a key record keeps; default 1 MiB */
  maxAnswerBytes?: number
  /** requests that may wait for a copy of theirs; default 1000 */
  maxWaiting?: number
  /** milliseconds an operation has where its contract names no `timeout`; default 30 000 */
  timeoutMs?: number
  /** milliseconds `close` gives what is in flight; default 10 000 */
  stopMs?: number
  /** milliseconds between rounds of expiry; default 60 000 */
  expiryMs?: number
  /** milliseconds the journal is kept; default 7 days */
  journalMs?: number
  calls?: Omit<CallerOptions, 'journal' | 'onTry' | 'callerSecret'>
}

const known: readonly (keyof ServiceOptions<PgPool> | 'handlers')[] = [
  'database',
  'transport',
  'logger',
  'relay',
  'consume',
  'trustCaller',
  'callerSecret',
  'identify',
  'managementToken',
  'validateAnswers',
  'maxBodyBytes',
  'maxAnswerBytes',
  'maxWaiting',
  'timeoutMs',
  'stopMs',
  'expiryMs',
  'journalMs',
  'calls',
  'handlers',
]

/** For callers that no compiler checks: unknown options, missing and unknown handlers. */
export function checkOptions(options: object, handlers: object, names: readonly string[]): void {
  for (const key of Object.keys(options)) refuseUnknown(key, known, 'createService has no option')
  for (const key of Object.keys(handlers))
    refuseUnknown(key, names, 'the contract has neither an operation nor a receive')
  const missing = names.filter((name) => !Object.hasOwn(handlers, name))
  if (missing.length > 0) {
    throw new SpandrelError('wrong-configuration', `no handler for ${missing.join(', ')}`, {
      hint: 'each operation and each receive of the contract has one handler of its name',
    })
  }
}

function refuseUnknown(key: string, names: readonly string[], what: string): void {
  if (names.includes(key)) return
  const close = names.find((name) => distance(name.toLowerCase(), key.toLowerCase()) <= 2)
  throw new SpandrelError('wrong-configuration', `${what} ${JSON.stringify(key)}`, {
    hint: close === undefined ? `known: ${names.join(', ')}` : `did you mean ${JSON.stringify(close)}?`,
  })
}

/** Edits between two words (Levenshtein), by rows. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
