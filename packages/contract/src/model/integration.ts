import type { SourceLocation } from './location.ts'

export type IntegrationStyle = 'rpc' | 'messaging' | 'file' | 'database'

/** `x-integration`, the operation's merged over the document's. */
export interface IntegrationTerms {
  readonly owner?: string
  readonly style?: IntegrationStyle
  readonly reason?: string
  /** RFC 3339 date at which a deviation ends */
  readonly until?: string
  /** the workflow this step belongs to */
  readonly process?: string
  /** what this operation undoes */
  readonly compensates?: string
  readonly compatibility?: 'full' | 'backward' | 'none'
  /** from deprecation to sunset */
  readonly noticeMs?: number
  readonly transform?: { readonly from?: string; readonly with: string }
  readonly location: SourceLocation
}

/** An edge: a consumer relies on a provider's operation. */
export interface Integration {
  readonly consumer: string
  readonly provider: string
  /** `<service>.<operation>` for a call, `<service>.<message>` for a message */
  readonly ref: string
  readonly kind: 'call' | 'message'
  /** address, where `kind` is `message` */
  readonly channel?: string
  /** the consumer's receive operation, where `kind` is `message` */
  readonly receive?: string
  readonly style: IntegrationStyle
  readonly reason?: string
  readonly until?: string
  readonly location: SourceLocation
}

/** `x-probe`: how an outsider can see the effect; for tests. Validated, otherwise as written. */
export interface Probe {
  readonly marker?: string
  readonly read?: { readonly operation: string; readonly parameters?: Readonly<Record<string, unknown>> }
  readonly count?: string
  readonly settlesMs?: number
  readonly emits?: {
    readonly channel: string
    readonly message?: string
    readonly where?: unknown
    readonly times?: number
  }
  readonly order?: {
    readonly operation: string
    readonly parameters?: Readonly<Record<string, unknown>>
    readonly list: string
  }
  readonly follows?: string
  readonly example?: unknown
  readonly failure?: unknown
  /** outcome of `completion` → an input that ends in it */
  readonly outcomes?: Readonly<Record<string, unknown>>
  readonly poison?: unknown
  readonly cleanup?: unknown
  readonly location: SourceLocation
}
