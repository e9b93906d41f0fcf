/** Who calls: from a header that a trusted proxy sets, or from the service's own hook. Never the token itself. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { CALLER_SIGNATURE_HEADER, verifyCaller } from './caller-signature.ts'
import type { Identity } from './key.ts'

/** Set by the gateway after it verified the caller, and stripped by it from what clients send. */
const CALLER_HEADER = 'spandrel-caller'
const TENANT_HEADER = 'spandrel-tenant'

/** Verifies the caller of a request in the service itself; see `scope: caller` in the guarantee vocabulary. */
export type Identify = (request: IncomingMessage) => Identity | Promise<Identity>

const longest = 512

export interface TrustOptions {
  /** the name of this service: what a signature is for */
  service: string
  /** believe `spandrel-caller`; with a secret, only where it is signed with that */
  trustCaller: boolean
  callerSecret?: string | undefined
  identify?: Identify | undefined
}

export function identityFrom(options: TrustOptions): Identify {
  const { identify, trustCaller, callerSecret, service } = options
  if (identify !== undefined) return identify
  if (callerSecret === undefined && !trustCaller) return () => ({})
  return (request) => {
    const caller = header(request.headers, CALLER_HEADER)
    if (callerSecret !== undefined) {
      const signature = header(request.headers, CALLER_SIGNATURE_HEADER)
      if (caller === undefined || signature === undefined) return {}
      // Express takes the path that we are mounted under off `url`.
      const { originalUrl = request.url ?? '' } = request as { originalUrl?: string }
      const signed = { caller, service, method: request.method ?? '', target: originalUrl }
      // The tenant is not signed.
      return verifyCaller(callerSecret, signed, signature) ? { caller } : {}
    }
    return { caller, tenant: header(request.headers, TENANT_HEADER) }
  }
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value.length > 0 && value.length <= longest ? value : undefined
}
