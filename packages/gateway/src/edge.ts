import type { Logger } from '@spandrel/runtime'
import type { KeptKeys } from './keys/kept-keys.ts'
import type { Metrics } from './management/metrics.ts'
import type { GatewayLimits } from './options.ts'
import type { TrustedAddresses } from './proxy/forwarded.ts'
import type { RouteTable } from './routes/route-table.ts'
import type { Telemetry } from './trace/telemetry.ts'

/** What all exchanges of one gateway share. */
export interface Edge {
  readonly routes: RouteTable
  readonly limits: GatewayLimits
  readonly metrics: Metrics
  readonly logger: Logger
  readonly accessLog: boolean
  /** undefined: the process has no OpenTelemetry */
  readonly telemetry: Telemetry | undefined
  /** its name in `via`: this gateway's alone, so that a request that comes back is known */
  readonly pseudonym: string
  /** the key records this gateway keeps; undefined: it has no database */
  readonly keys: KeptKeys | undefined
  readonly trustedProxies: TrustedAddresses
  /** lower-case name of the header by which a trusted proxy names the caller; never forwarded */
  readonly trustedHeader: string | undefined
  /** signs `spandrel-caller` */
  readonly secret: string | undefined
  /** requests that are being answered or still at a service */
  inFlight: number
  /** the gateway stops: answers end their connections */
  readonly draining: boolean
  /** an exchange has ended on both sides */
  readonly ended: (exchange: { destroy(): void }) => void
}
