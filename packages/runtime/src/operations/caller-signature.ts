/**
 * Proof that `spandrel-caller` was set by somebody who knows the secret (a gateway, or a service that calls) and not by
 * a request that went around it. Worth nothing on another request, for another service, or much later.
 *
 *   spandrel-caller-signature: t=<epoch seconds>,v1=<hex HMAC-SHA256 of seconds, service, method, target, caller, one a line>
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const CALLER_SIGNATURE_HEADER = 'spandrel-caller-signature'

export interface SignedCaller {
  readonly caller: string
  /** the service that is asked */
  readonly service: string
  readonly method: string
  /** request target as that service sees it: path and query */
  readonly target: string
}

const toleranceSeconds = 300

export function signCaller(secret: string, signed: SignedCaller, nowMs: number = Date.now()): string {
  const seconds = Math.floor(nowMs / 1000)
  return `t=${seconds},v1=${mac(secret, seconds, signed)}`
}

export function verifyCaller(
  secret: string,
  signed: SignedCaller,
  signature: string,
  nowMs: number = Date.now(),
): boolean {
  const found = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(signature)
  if (found === null) return false
  const seconds = Number(found[1])
  if (Math.abs(nowMs / 1000 - seconds) > toleranceSeconds) return false
  return timingSafeEqual(Buffer.from(mac(secret, seconds, signed), 'hex'), Buffer.from(found[2] ?? '', 'hex'))
}

function mac(secret: string, seconds: number, { caller, service, method, target }: SignedCaller): string {
  return createHmac('sha256', secret).update([seconds, service, method, target, caller].join('\n')).digest('hex')
}
