import type { Expression, System } from '@spandrel/contract'
import { type Logger, SpandrelError } from '@spandrel/runtime'
import type { DatabaseLike } from '@spandrel/runtime/operate'
import type { ApiKey } from './identity/api-keys.ts'
import type { JwtOptions } from './identity/tokens.ts'
import type { BreakerSettings } from './proxy/breakers.ts'
import { breakerDefaults } from './proxy/breakers.ts'
import type { LoadContracts } from './reload.ts'

export interface GatewayOptions {
  /** a loaded system: `(await loadSystem('spandrel.yaml')).system` */
  readonly system: System
  /** reads the contracts again, for a reload: `() => loadSystem('spandrel.yaml')` */
  readonly load?: LoadContracts
  /** port where `listen` names none; the system's `gateway.listen`, else 8080 */
  readonly listen?: number
  /** address to listen on; the system's, else 127.0.0.1 */
  readonly host?: string
  /** service → one or several base URLs; the system's `url` by default */
  readonly upstreams?: Readonly<Record<string, string | readonly string[]>>
  /** silent by default */
  readonly logger?: Logger
  /** one line a request; false by default */
  readonly accessLog?: boolean
  readonly limits?: Partial<GatewayLimits>
  /** files in PEM; the system's `gateway.tls` by default. With them the gateway speaks HTTPS, and HTTP/2 */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** how services at `https:` URLs are spoken to; the system's `gateway.upstream` by default */
  readonly upstream?: UpstreamOptions
  /** when an instance of a service is left alone; false: never. The system's `gateway.upstream.breaker` by default */
  readonly breaker?: Partial<BreakerSettings> | false
  /** `<service>.<operation>` → what it has of its own */
  readonly operations?: Readonly<Record<string, { readonly bodyBytes?: number; readonly timeoutMs?: number }>>
  readonly auth?: AuthOptions
  /**
   * where key records are kept for services that keep none (`keys: gateway`): a `pg` pool, or an adapter of
   * `@spandrel/runtime`. It stays the caller's, and is not closed here
   */
  readonly database?: DatabaseLike
  /** addresses or CIDR blocks of proxies whose `forwarded` and `x-forwarded-*` are passed on; none by default */
  readonly trustedProxies?: readonly string[]
  /** opens `/.spandrel/health`, `/.spandrel/metrics` and `/.spandrel/reload`; without one, the first two are for this
   * machine only, and the last for nobody */
  readonly managementToken?: string
}

interface UpstreamOptions {
  /** file in PEM of an authority of your own, besides the usual ones */
  readonly ca?: string
  /** offer HTTP/2; false by default */
  readonly http2?: boolean
}

export interface AuthOptions {
  readonly jwt?: JwtOptions
  readonly apiKeys?: readonly ApiKey[]
  /** a header with the caller's name, believed only from these addresses or CIDR blocks */
  readonly trusted?: { readonly header: string; readonly from: readonly string[] }
  /** signs `spandrel-caller`, so that a service can tell it from one that went around the gateway */
  readonly secret?: string
  /** the claim that names the subject; `$request.jwt#/sub` by default */
  readonly caller?: Expression
  /** the claim that names the tenant, for keys of `scope: tenant` */
  readonly tenant?: Expression
}

export interface GatewayLimits {
  /** bytes of a request body; 1 MiB */
  readonly bodyBytes: number
  /** bytes of all request headers together; 16 KiB */
  readonly headerBytes: number
  /** request headers; 100 */
  readonly headers: number
  /** milliseconds for a request head to arrive; 10 s */
  readonly headersMs: number
  /** milliseconds for a whole request to arrive; 60 s */
  readonly requestMs: number
  /** milliseconds an idle client connection is kept; 65 s */
  readonly keepAliveMs: number
  /** milliseconds a client may take no byte of its answer; 30 s */
  readonly stallMs: number
  /** milliseconds that a WebSocket or an event stream may be silent; 5 min */
  readonly idleMs: number
  /** milliseconds for the head of an answer where the contract has no `timeout`; 30 s */
  readonly timeoutMs: number
  /** milliseconds to connect to a service; 2 s */
  readonly connectMs: number
  /** connections to one instance of a service; 256 */
  readonly connections: number
  /** bytes of an answer that a key record keeps; a larger one is passed on and not kept; 1 MiB */
  readonly answerBytes: number
  /** requests that may wait for a copy of theirs (`onOverlap: wait`); more are refused with 409; 1000 */
  readonly waiting: number
  /** requests in flight at once; more are refused with 503; 4096 */
  readonly inFlight: number
  /** `%2F` in a path: a service may read it as a slash; refused by default */
  readonly encodedSlashes: 'refuse' | 'forward'
}

const defaults: GatewayLimits = {
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  headers: 100,
  headersMs: 10_000,
  requestMs: 60_000,
  keepAliveMs: 65_000,
  stallMs: 30_000,
  idleMs: 300_000,
  timeoutMs: 30_000,
  connectMs: 2000,
  connections: 256,
  answerBytes: 1024 * 1024,
  waiting: 1000,
  inFlight: 4096,
  encodedSlashes: 'refuse',
}

const optionNames = [
  'system',
  'load',
  'listen',
  'host',
  'upstreams',
  'logger',
  'accessLog',
  'limits',
  'tls',
  'upstream',
  'breaker',
  'operations',
  'auth',
  'database',
  'trustedProxies',
  'managementToken',
] as const satisfies readonly (keyof GatewayOptions)[]
const authNames = [
  'jwt',
  'apiKeys',
  'trusted',
  'secret',
  'caller',
  'tenant',
] as const satisfies readonly (keyof AuthOptions)[]

/** Refuses what would otherwise be ignored in silence, and fills in the limits. */
export function checkedLimits(options: GatewayOptions): GatewayLimits {
  refuseUnknown(options, optionNames, 'createGateway')
  refuseUnknown(options.auth ?? {}, authNames, 'createGateway auth')
  refuseUnknown(options.tls ?? {}, ['cert', 'key'], 'createGateway tls')
  refuseUnknown(options.upstream ?? {}, ['ca', 'http2'], 'createGateway upstream')
  refuseUnknown(options.limits ?? {}, Object.keys(defaults), 'createGateway limits')
  refuseUnknown(options.breaker || {}, Object.keys(breakerDefaults), 'createGateway breaker')
  for (const [name, value] of Object.entries(options.breaker || {})) {
    if (!(value > 0)) throw wrong(`breaker.${name} must be above 0, and is ${value}`)
  }
  const { rate, coolDownMs, maxCoolDownMs } = { ...breakerDefaults, ...options.breaker }
  if (rate > 1) throw wrong(`breaker.rate is a share, up to 1, and is ${rate}`)
  if (coolDownMs > maxCoolDownMs) {
    throw wrong(`breaker.coolDownMs is ${coolDownMs}, more than maxCoolDownMs, which is ${maxCoolDownMs}`)
  }
  const limits = { ...defaults, ...options.limits }
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value === 'number' && !(value > 0)) throw wrong(`limits.${name} must be above 0, and is ${value}`)
  }
  const known = new Set(
    Object.values(options.system.services).flatMap(({ name, operations }) =>
      Object.keys(operations).map((operation) => `${name}.${operation}`),
    ),
  )
  refuseUnknown(options.operations ?? {}, [...known], 'createGateway operations')
  refuseUnknown(options.upstreams ?? {}, Object.keys(options.system.services), 'createGateway upstreams')
  return limits
}

export function wrong(message: string, hint?: string, cause?: unknown): SpandrelError {
  return new SpandrelError('wrong-configuration', message, {
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause }),
  })
}

function refuseUnknown(given: object, names: readonly string[], where: string): void {
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue
    const near = names.find((other) => alike(name, other))
    throw wrong(
      `${where} knows no "${name}"`,
      near === undefined ? `it knows ${names.join(', ')}` : `did you mean "${near}"?`,
    )
  }
}

/** One is the other with at most two letters wrong, missing or too many. */
function alike(left: string, right: string): boolean {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (const [index, letter] of left.toLowerCase().split('').entries()) {
    const next = [index + 1]
    for (const [column, other] of right.toLowerCase().split('').entries()) {
      const same = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(same, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return (row.at(-1) ?? 99) <= 2
}
