import type { Expression } from './expression.ts'
import type { ResolvedGuarantees } from './guarantees.ts'
import type { IntegrationTerms, Probe } from './integration.ts'
import type { SourceLocation } from './location.ts'
import type { Schema } from './schema.ts'

/** A channel as a service's documents use it. `ordered` and `partitions` are the same for every service of the system. */
export interface Channel {
  /** what a send and a receive are matched by */
  readonly address: string
  /** some application orders it: every message on it needs an ordering key (a constant one where ordering is `total`) */
  readonly ordered: boolean
  /** 8 unless `channels:` in spandrel.yaml says otherwise; 1 where ordering is `total` */
  readonly partitions: number
  /** how long a transport keeps its messages, and how many bytes a message may have; absent: the transport's own limits */
  readonly retentionMs?: number
  readonly maxBytes?: number
  readonly location: SourceLocation
}

/** A channel over all services. */
export interface SystemChannel extends Channel {
  readonly senders: readonly { readonly service: string; readonly operation: string }[]
  readonly receivers: readonly { readonly service: string; readonly operation: string }[]
}

/** Protocol → its own settings, as written: `{ kafka: { groupId: … } }`. */
export type Bindings = Readonly<Record<string, unknown>>

/** A part of an address that is filled in for each message: `{region}` of `shop.{region}.orders`. */
export interface AddressParameter {
  readonly name: string
  /** the texts it may be: AsyncAPI 3's `enum`, AsyncAPI 2's `schema`; any text where nobody says */
  readonly schema: Schema
  /** what it is where nobody fills it in */
  readonly default?: string
  /** where in a message its value is found, as written: `$message.payload#/region` */
  readonly from?: string
  readonly location: SourceLocation
}

/** How somebody proves who it is to a broker or server, by AsyncAPI's security schemes. */
export interface AsyncSecurityScheme {
  /** its key in `components.securitySchemes`; its type where it is written in place */
  readonly name: string
  /** `userPassword`, `apiKey`, `X509`, `scramSha512`, …; undeclared ones have none */
  readonly type?: string
  readonly in?: string
  /** httpApiKey: the name of the header, query parameter or cookie */
  readonly parameter?: string
  /** http: in lower case */
  readonly scheme?: string
  readonly openIdConnectUrl?: string
  readonly flows?: readonly string[]
  readonly location: SourceLocation
}

/** All of `schemes` together. */
export interface AsyncSecurityAlternative {
  readonly schemes: readonly { readonly scheme: AsyncSecurityScheme; readonly scopes: readonly string[] }[]
}

export interface Message {
  /** key in the channel's `messages`: what `send('orderPlaced', …)` and references name */
  readonly message: string
  /** CloudEvents `type`: the message's `name`, else its key */
  readonly type: string
  /** `x-intent` of the message; else `command` where the operation has a reply; else `event` */
  readonly intent: 'command' | 'event' | 'document'
  readonly title?: string
  readonly summary?: string
  readonly description?: string
  readonly contentType: string
  readonly payload: Schema
  readonly headers?: Schema
  /** AsyncAPI `correlationId.location`, parsed */
  readonly correlation?: Expression
  readonly bindings?: Bindings
  readonly deprecated: boolean
  readonly sunset?: string
  readonly location: SourceLocation
}

interface AsyncOperation {
  /** the service that declares it */
  readonly service: string
  /** the operation's key in the AsyncAPI document */
  readonly operation: string
  readonly summary?: string
  readonly description?: string
  /** address */
  readonly channel: string
  /** what stands in braces in the address, in its order, declared or not */
  readonly parameters: readonly AddressParameter[]
  readonly messages: readonly Message[]
  readonly reply?: {
    readonly channel?: string
    /** where a request says to reply to: `$message.header#/replyTo` */
    readonly address?: string
    readonly messages: readonly Message[]
  }
  readonly bindings?: Bindings
  readonly channelBindings?: Bindings
  /** those of the document's `servers` that have the channel; absent: all of them */
  readonly servers?: readonly string[]
  /** alternatives, besides what the server asks for; empty: nothing more */
  readonly security: readonly AsyncSecurityAlternative[]
  readonly guarantees: ResolvedGuarantees
  readonly integration?: IntegrationTerms
  readonly probe?: Probe
  readonly deprecated: boolean
  readonly sunset?: string
  readonly location: SourceLocation
}

/** An AsyncAPI operation with `action: send`. */
export interface SendOperation extends AsyncOperation {
  readonly kind: 'send'
}

/** An AsyncAPI operation with `action: receive`; its name is the handler's. */
export interface ReceiveOperation extends AsyncOperation {
  readonly kind: 'receive'
  /** `x-effects: external`: the handler has an `act` outside any transaction */
  readonly effects: 'transaction' | 'external'
}
