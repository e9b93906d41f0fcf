import type { ResolvedGuarantees } from './guarantees.ts'
import type { IntegrationTerms, Probe } from './integration.ts'
import type { SourceLocation } from './location.ts'
import type { Schema } from './schema.ts'

/** An HTTP operation, as its service serves it. */
export interface HttpOperation {
  readonly kind: 'http'
  /** the service that declares it */
  readonly service: string
  /** operationId */
  readonly operation: string
  /** upper case: `POST` */
  readonly method: string
  /** path template: `/orders/{orderId}` */
  readonly path: string
  readonly summary?: string
  readonly description?: string
  /** those of the path item included, the operation's own winning */
  readonly parameters: readonly Parameter[]
  /** absent: the operation takes no body */
  readonly requestBody?: RequestBody
  /** by status: `202`, `4XX`, `default` */
  readonly responses: Readonly<Record<string, Response>>
  /** alternatives, each satisfied by all of its schemes; empty: anyone may call. An empty alternative means "or none" */
  readonly security: readonly SecurityAlternative[]
  readonly guarantees: ResolvedGuarantees
  readonly integration?: IntegrationTerms
  readonly probe?: Probe
  readonly callbacks: readonly Callback[]
  /** where it is served instead of at the document's `servers`: its own, or its path item's; as written */
  readonly servers?: readonly string[]
  readonly deprecated: boolean
  /** `x-sunset`, RFC 3339 */
  readonly sunset?: string
  readonly location: SourceLocation
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header' | 'cookie' | 'querystring'
  readonly required: boolean
  readonly deprecated: boolean
  readonly description?: string
  /** OpenAPI's `style`: `simple`, `form`, `matrix`, `label`, `spaceDelimited`, `pipeDelimited`, `deepObject`, `cookie` */
  readonly style: string
  readonly explode: boolean
  readonly allowReserved: boolean
  /** the JSON type its text stands for, looked up through references; `string` where the schema does not say */
  readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object'
  /** of the items, where `type` is `array` */
  readonly itemType?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object'
  /** set where the parameter is described by `content` instead of `schema` */
  readonly contentType?: string
  readonly schema: Schema
  readonly location: SourceLocation
}

export interface MediaType {
  /** as written: `application/json`, `application/*` */
  readonly contentType: string
  /** the media type carries JSON (`application/json`, `…+json`): `schema` describes the parsed value */
  readonly json: boolean
  readonly schema?: Schema
}

export interface RequestBody {
  readonly required: boolean
  readonly description?: string
  readonly content: readonly MediaType[]
  readonly location: SourceLocation
}

export interface Response {
  readonly status: string
  readonly description?: string
  readonly content: readonly MediaType[]
  readonly headers: readonly ResponseHeader[]
  readonly location: SourceLocation
}

export interface ResponseHeader {
  /** as written */
  readonly name: string
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
}

export interface SecurityScheme {
  /** its key in `components.securitySchemes` */
  readonly name: string
  readonly type: 'apiKey' | 'http' | 'mutualTLS' | 'oauth2' | 'openIdConnect'
  /** apiKey: where it is read from, and the name there */
  readonly in?: 'header' | 'query' | 'cookie'
  readonly parameter?: string
  /** http: `bearer`, `basic`, …, in lower case */
  readonly scheme?: string
  readonly bearerFormat?: string
  readonly openIdConnectUrl?: string
  /** oauth2: how a token is got, and where: `clientCredentials at https://login.example.com/token` */
  readonly flows?: readonly string[]
  readonly location: SourceLocation
}

/** All of `schemes` together. */
export interface SecurityAlternative {
  readonly schemes: readonly { readonly scheme: SecurityScheme; readonly scopes: readonly string[] }[]
}

/** What the provider calls back, by the runtime expression that gives the URL. */
export interface Callback {
  readonly name: string
  readonly expression: string
  readonly operations: readonly HttpOperation[]
}
