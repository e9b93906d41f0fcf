/** Who calls: from a header that a trusted proxy sets, or from the service's own hook. Never the token itself. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Identity } from './key.ts'

/** Set by the gateway after it verified the caller, and stripped by it from what clients send. */
const CALLER_HEADER = 'spandrel-caller'
const TENANT_HEADER = 'spandrel-tenant'

/** Verifies the caller of a request in the service itself; see `scope: caller` in the guarantee vocabulary. */
export type Identify = (request: IncomingMessage) => Identity | Promise<Identity>

const longest = 512

export function identityFrom(options: { trustCaller: boolean; identify?: Identify | undefined }): Identify {
  if (options.identify !== undefined) return options.identify
  if (!options.trustCaller) return () => ({})
  return (request) => ({
    caller: header(request.headers, CALLER_HEADER),
    tenant: header(request.headers, TENANT_HEADER),
  })
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value.length > 0 && value.length <= longest ? value : undefined
}
