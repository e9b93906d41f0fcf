import type { HttpOperation, Offer } from '@spandrel/contract'
import type { AccessRule } from '../identity/access.ts'
import type { AnswerRule } from '../answers/answer-rule.ts'
import type { KeptKey } from '../keys/kept-key.ts'
import type { RouteMetrics } from '../management/metrics.ts'
import type { FixedHeaders } from '../proxy/response-head.ts'
import type { RetryRule } from '../proxy/retry-rule.ts'
import type { ServicePool } from '../proxy/service-pool.ts'
import type { BodyRule } from '../validation/body.ts'
import type { KeyRule } from '../validation/idempotency-key.ts'
import type { ParameterCheck } from '../validation/parameters.ts'

/** Everything about one operation that a request needs, worked out at start. */
export interface Route {
  readonly operation: HttpOperation
  readonly service: string
  readonly pool: ServicePool
  /** what stands before the operation's path at the gateway: `/v1`; empty: nothing */
  readonly basePath: string
  /** of `basePath`: so many are taken off before the service is asked */
  readonly ownSegments: number
  /** of the URLs of its service, where they are others than `basePath`: a `location` that begins so is turned around */
  readonly prefixes: readonly string[] | undefined
  /** which requests are for it, where several versions have its path */
  readonly version: NonNullable<Offer['version']> | undefined
  readonly access: AccessRule
  readonly parameters: readonly ParameterCheck[]
  readonly needsQuery: boolean
  readonly needsCookies: boolean
  /** names of the path parameters, in the order of the template */
  readonly pathNames: readonly string[]
  /** lower-case names of the headers that somebody wants to look at; undefined: none */
  readonly wanted: ReadonlySet<string> | undefined
  /** lower-case name of the header in which the contract has the correlation id, besides ours */
  readonly correlationHeader: string | undefined
  /** undefined: the operation takes no body */
  readonly body: BodyRule | undefined
  readonly key: KeyRule | undefined
  /** this gateway keeps the key records of this operation; undefined: the service does, or there is no key */
  readonly keptKey: KeptKey | undefined
  /** undefined: answers are passed on without a look */
  readonly answers: AnswerRule | undefined
  /** by RFC 9110 or by contract: a second copy has no second effect. A key makes a request so, where it has one */
  readonly natural: boolean
  readonly retry: RetryRule
  /** to the head of the answer, and between two parts of its body */
  readonly timeoutMs: number
  /** declares an endless answer (`text/event-stream`): silence is no fault */
  readonly endless: boolean
  /** a GET that declares 101: a WebSocket may be opened here */
  readonly upgrades: boolean
  readonly fixed: FixedHeaders
  readonly metrics: RouteMetrics
}
