import type { Expression } from './expression.ts'
import type { Acknowledgement, Severity } from './finding.ts'
import type { Integration, IntegrationStyle } from './integration.ts'
import type { SourceLocation } from './location.ts'
import type {
  AsyncSecurityAlternative,
  Channel,
  Message,
  ReceiveOperation,
  SendOperation,
  SystemChannel,
} from './message.ts'
import type { HttpOperation } from './operation.ts'
import type { NamedSchema } from './schema.ts'

/** Everything a `spandrel.yaml` and what it includes describe. Deeply frozen; plain data, safe to `JSON.stringify`. */
export interface System {
  readonly name: string
  /** absolute path of the root spandrel.yaml, and its folder */
  readonly file: string
  readonly dir: string
  /** by name, in the order written, included files last */
  readonly services: Readonly<Record<string, Service>>
  readonly workflows: Readonly<Record<string, Workflow>>
  /** by address */
  readonly channels: Readonly<Record<string, SystemChannel>>
  readonly integrations: readonly Integration[]
  readonly transport: Setting
  readonly gateway?: Gateway
  readonly defaults: Defaults
  /** how `spandrel check` judges */
  readonly check?: CheckSettings
  readonly location: SourceLocation
}

/**
 * A text of spandrel.yaml that may hold `${VAR}` or `${VAR:-default}`.
 * At run time use `value`. In generated files use `default` and `env`: they do not depend on the machine.
 */
export interface Setting {
  /** as written */
  readonly text: string
  /** with the environment filled in; absent while a variable without default is unset (see `missing`) */
  readonly value?: string
  /** with an empty environment; absent where a variable has no default */
  readonly default?: string
  /** the first variable in `text` */
  readonly env?: string
  readonly missing: readonly string[]
  readonly location: SourceLocation
}

export interface Defaults {
  /** the style an integration has unless it says otherwise; a deviation needs a reason. Absent: no reasons are asked for */
  readonly style?: IntegrationStyle
  /** how much of the time a service is there, in percent; absent: nobody says */
  readonly availability?: number
}

/** `check:` of spandrel.yaml: the root's severities, and the acknowledgements of all files. */
export interface CheckSettings {
  /** by rule */
  readonly severities: Readonly<
    Record<string, { readonly severity: Severity | 'off'; readonly location: SourceLocation }>
  >
  readonly acknowledged: readonly AcknowledgedFinding[]
}

export interface AcknowledgedFinding extends Acknowledgement {
  readonly rule: string
  /** a service, an operation, a workflow or an edge; a service stands for all of its operations */
  readonly subject: string
  readonly location: SourceLocation
}

export interface Gateway {
  readonly port: number
  readonly host: string
  /** who the caller is; absent: what the contract's security schemes say */
  readonly caller?: Expression
  readonly jwt?: {
    /** URL or file of a JSON Web Key Set */
    readonly jwks: string
    readonly issuer?: string
    readonly audience?: string
  }
  /** file of API keys: one `name: key-hash` mapping, read by the gateway */
  readonly apiKeys?: string
  /** header with the caller's name, believed from these proxies (addresses or CIDR blocks) only */
  readonly trusted?: { readonly header: string; readonly from: readonly string[] }
  /** files in PEM, relative to `dir`; absent: plain HTTP */
  readonly tls?: { readonly cert: string; readonly key: string }
  /**
   * how services are spoken to: at `https:` URLs with an authority besides the usual ones (a file in PEM), HTTP/2; and
   * whether an instance that fails too often is left alone for a while (true where it is absent)
   */
  readonly upstream?: { readonly ca?: string; readonly http2?: boolean; readonly breaker?: boolean }
  /** where it keeps key records for services that keep none */
  readonly database?: Setting
  /** the claim that names the tenant, for keys of `scope: tenant` */
  readonly tenant?: Expression
  /** whether answers are held to their contract; absent: `off` */
  readonly answers?: AnswerMode
  readonly location: SourceLocation
}

/** How the gateway offers the HTTP operations of a service. */
export interface Offer {
  /** before every path of its operations: `/v1`; `servers`: the paths of its documents' servers */
  readonly path?: string
  /** requests are for it where this header has this value; `default`: also where there is no such header */
  readonly version?: { readonly header: string; readonly value: string; readonly default: boolean }
  /** since when all of it is deprecated, RFC 3339 */
  readonly deprecated?: string
  /** when all of it goes, RFC 3339 */
  readonly sunset?: string
  /** whether its answers are held to their contract; absent: as `gateway.answers` says */
  readonly answers?: AnswerMode
  readonly location: SourceLocation
}

/** What the gateway does about answers that do not fit their contract. */
export type AnswerMode = 'off' | 'warn' | 'enforce'

export interface Workflow {
  readonly name: string
  readonly coordination: 'orchestration' | 'choreography'
  readonly owner: string
  readonly location: SourceLocation
}

/**
 * A deployable with its contracts.
 *
 * For the generator, per service that is not `external` and whose software imports the runtime:
 * - `operations` → `OperationContract`s, `channels` → `ChannelContract`s, `receives` → `ReceiveContract`s
 * - `sends` → one `SendContract` for each message of each send, keyed by `message` (unique over a service's sends)
 * - `uses` → `UseContract`s and clients; their schemas are those of `system.services[use.service].schemas`
 * - `schemas` → named types and `$defs`
 * - `dir` is where `*.contract.ts` paths are relative to, `version` the version of its first contract
 */
export interface Service {
  readonly name: string
  readonly owner?: string
  /** not ours: a vendor or another company; nothing is generated or started for it */
  readonly external: boolean
  readonly version: string
  /** base URL of its HTTP operations */
  readonly url?: Setting
  /** its own database; for a foreign service also where its push state lives */
  readonly database?: Setting
  /** a foreign service's push URL: its messages arrive there as HTTP POSTs */
  readonly events?: Setting
  /** absent: its operations are offered at their own paths, to every request */
  readonly gateway?: Offer
  /** command that starts it in `spandrel dev`, run in `dir` */
  readonly dev?: string
  /** who keeps key records */
  readonly keys: 'service' | 'gateway'
  readonly documents: readonly ContractDocument[]
  /** by operationId, in document order */
  readonly operations: Readonly<Record<string, HttpOperation>>
  /** OpenAPI webhooks, by name and method: what this service posts to others */
  readonly webhooks: readonly HttpOperation[]
  /** by address: the channels its sends and receives use */
  readonly channels: Readonly<Record<string, Channel>>
  /** every message of its sends and receives, by key */
  readonly messages: Readonly<Record<string, Message>>
  /** by operation */
  readonly sends: Readonly<Record<string, SendOperation>>
  /** by operation */
  readonly receives: Readonly<Record<string, ReceiveOperation>>
  /** by ref: the HTTP operations of others it calls */
  readonly uses: Readonly<Record<string, Use>>
  /** by name: the targets of `#/$defs/<name>` in all of its documents */
  readonly schemas: Readonly<Record<string, NamedSchema>>
  /** folder of the spandrel.yaml that declares it */
  readonly dir: string
  readonly location: SourceLocation
}

export interface ContractDocument {
  /** absolute path */
  readonly file: string
  readonly kind: 'openapi' | 'asyncapi' | 'arazzo'
  /** of the specification: `3.1.0` */
  readonly specification: string
  readonly title: string
  /** of the contract */
  readonly version: string
  readonly description?: string
  /** where it is served, as written: URLs of OpenAPI, `protocol://host/path` of AsyncAPI; variables unfilled */
  readonly servers: readonly string[]
  /** AsyncAPI: what each of `servers` asks for */
  readonly serverSecurity?: readonly ServerSecurity[]
  /** of an Arazzo document: how many it describes */
  readonly workflows?: number
  /** sidecars merged into it, absolute paths */
  readonly sidecars: readonly string[]
  readonly location: SourceLocation
}

export interface ServerSecurity {
  /** one of the document's `servers` */
  readonly server: string
  /** alternatives; empty: anybody may connect */
  readonly security: readonly AsyncSecurityAlternative[]
  readonly location: SourceLocation
}

export interface Use {
  /** `<service>.<operation>` */
  readonly ref: string
  readonly service: string
  readonly operation: string
  readonly style: IntegrationStyle
  readonly reason?: string
  readonly until?: string
  /** the consumer's own operations that make the call; absent: nobody says, so any may */
  readonly in?: readonly string[]
  /** what is done without the answer; absent: the caller fails with the call */
  readonly fallback?: string
  /** the provider's operation, the same object as in the provider's `operations` */
  readonly provider: HttpOperation
  /** environment variable with the provider's base URL (`PAYMENTS_URL`), and its default */
  readonly url: { readonly env: string; readonly default?: string }
  readonly location: SourceLocation
}
