/**
 * The shape of a generated `*.contract.ts`: what one service promises and relies on, as data.
 *
 * Terminology
 * - operation: an HTTP operation this service serves (OpenAPI).
 * - send: a message this service may send (AsyncAPI `send`), by message name.
 * - receive: an AsyncAPI `receive` operation, by operation id; the handler's name.
 * - use: another service's HTTP operation this service calls, as `<service>.<operation>`.
 *
 * Everything is resolved when the file is generated: durations are milliseconds, expressions are parsed, defaults
 * are applied. Nothing here is parsed again at run time.
 */
import type { Expression } from './expression.ts'

/** Phantom types of a contract; the generator fills them, the handlers' and `send`'s types are derived from them. */
export interface ContractTypes {
  /** operation → its inputs and answers */
  operations: Record<string, OperationTypes>
  /** message name → its payload */
  sends: Record<string, unknown>
  /** receive operation → its payload (a union where several messages arrive) and message type names */
  receives: Record<string, { data: unknown; type: string }>
  /** `<service>.<operation>` → input and answer */
  uses: Record<string, { input: unknown; answer: unknown }>
}

export interface OperationTypes {
  /** path parameters by name */
  params: unknown
  query: unknown
  /** declared header parameters by name in lower case, as node:http has them */
  headers: unknown
  body: unknown
  /** union of `{ status, body?, headers? }`; header names in lower case */
  answer: { status: number; body?: unknown; headers?: Record<string, string> }
}

/** A compiled JSON Schema. `errors` holds the faults of the last call (ajv's shape). */
export interface Validator {
  (data: unknown): boolean
  errors?: null | readonly ValidationFault[]
}

export interface ValidationFault {
  instancePath: string
  schemaPath?: string
  keyword: string
  params?: unknown
  message?: string
}

export interface RetryGuarantee {
  /** handler invocations (or calls) that ended by their own throw or time-out, the first included */
  attempts: number
  backoff: 'exponential' | 'linear' | 'fixed'
  delayMs: number
  maxDelayMs: number
  /** HTTP only: statuses that may be retried, besides connection failures */
  on?: readonly (number | string)[]
}

export interface KeyGuarantee {
  key: Expression
  required: boolean
  /** `{ by }`: an expression whose value is the scope */
  scope: 'caller' | 'tenant' | 'global' | { by: Expression }
  /** undefined: the whole payload */
  fingerprint?: Expression
  retentionMs: number
  onOverlap: 'reject' | 'wait'
  onMismatch: 'reject' | 'replay'
  remembers: 'final' | 'success' | 'all'
}

export interface DeadLetterGuarantee {
  channel?: string
  retentionMs: number
  replay: 'manual' | 'automatic' | 'never'
  onPoison: 'hold-key' | 'hold-all' | 'skip'
}

export interface Guarantees {
  idempotency: 'natural' | 'none' | KeyGuarantee
  delivery: 'at-least-once' | 'at-most-once'
  ordering: 'none' | 'total' | { by: Expression }
  /** undefined: the runtime's own limit (30 s) */
  timeoutMs?: number
  retry: 'none' | RetryGuarantee
  deadLetter: 'none' | DeadLetterGuarantee
}

/** Where a parameter is read from, and how its text becomes a value. */
export interface ParameterContract {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required: boolean
  /** JSON type the text is coerced to before validation */
  type: JsonType
  /** of the items, where `type` is `array` */
  itemType?: JsonType
  /** OpenAPI's serialisation; absent: `form` in query and cookie, `simple` in path and header */
  style?: string
  /** absent: true for `form`, else false */
  explode?: boolean
  /** the text is a document of this media type (`application/json`) instead of a styled value */
  contentType?: string
  validate: Validator
}

export type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object'

export interface BodyContract {
  required: boolean
  contentTypes: readonly string[]
  /** sees the parsed JSON; accepts anything where the body is not JSON */
  validate: Validator
}

export interface AnswerContract {
  /** absent: the answer has no JSON body */
  validate?: Validator
  /** what a body is sent as (`application/problem+json`); absent: the answer has no body */
  contentType?: string
  /** names of the declared headers, in lower case */
  headers: readonly string[]
}

export interface OperationContract {
  operation: string
  method: string
  /** OpenAPI path template: `/orders/{orderId}` */
  path: string
  parameters: readonly ParameterContract[]
  /** undefined: no body is read */
  body?: BodyContract
  /** by status text ('202', '4XX', 'default') */
  answers: Readonly<Record<string, AnswerContract>>
  guarantees: Guarantees
  deprecated?: boolean
  sunset?: string
}

export interface ChannelContract {
  address: string
  ordered: boolean
  /** fixed for the life of the channel; 8 by default */
  partitions: number
  /** how long a transport keeps messages, and how large one may be; absent: the transport's own limits */
  retentionMs?: number
  maxBytes?: number
  /** CloudEvents types it may carry; a consumer passes over those it does not receive. Absent: not known. */
  types?: readonly string[]
}

export interface SendContract {
  message: string
  operation: string
  channel: string
  /** CloudEvents `type`: the message's `name`, else its key */
  type: string
  intent: 'command' | 'event' | 'document'
  validate: Validator
  guarantees: Guarantees
}

export interface ReceiveContract {
  operation: string
  channel: string
  /** CloudEvents type → payload validator */
  messages: Readonly<Record<string, Validator>>
  /** `external`: the handler has an `act` outside any transaction. From `x-effects: external` on the operation. */
  effects: 'transaction' | 'external'
  guarantees: Guarantees
}

export interface UseContract {
  /** `<service>.<operation>` */
  ref: string
  service: string
  operation: string
  method: string
  path: string
  parameters: readonly Omit<ParameterContract, 'validate' | 'type' | 'itemType'>[]
  hasBody: boolean
  /** what the provider accepts, where `hasBody`; always generated */
  body?: BodyContract
  /** what the provider may answer, as in `OperationContract`; always generated */
  answers?: Readonly<Record<string, AnswerContract>>
  guarantees: Guarantees
  /** environment variable with the base URL, and its default: `PAYMENTS_URL`, `http://127.0.0.1:7002` */
  url: { env: string; default?: string }
}

export interface ServiceContract<T extends ContractTypes = ContractTypes> {
  readonly system: string
  readonly service: string
  /** CloudEvents `source` of everything this service sends: `/<system>/<service>` */
  readonly source: string
  readonly version: string
  readonly operations: { readonly [K in keyof T['operations']]: OperationContract }
  readonly channels: Readonly<Record<string, ChannelContract>>
  readonly sends: { readonly [K in keyof T['sends']]: SendContract }
  readonly receives: { readonly [K in keyof T['receives']]: ReceiveContract }
  readonly uses: { readonly [K in keyof T['uses']]: UseContract }
  /** never present at run time; carries the types */
  readonly $types?: T
}
