import { createHmac, timingSafeEqual } from 'node:crypto'

/** Tells a service who calls. Never believed from outside: the gateway drops it and sets its own. */
export const callerHeader = 'spandrel-caller'
/** `t=<epoch seconds>,v1=<hex>`: proves that the caller was set by a gateway that knows the secret. */
export const callerSignatureHeader = 'spandrel-caller-signature'

/** A caller is the scope of idempotency keys and a header: longer ones are refused. */
export const maxCallerLength = 512

/**
 * The one text that identifies a caller: `<issuer>|<subject>` for a token, `key:<id>` for an API key, `proxy:<name>`
 * for what a trusted proxy says. Visible ASCII; everything else, and `%` itself, is percent-encoded, so that two
 * callers never have one text.
 */
export function callerText(
  identity: { issuer: string | undefined; subject: string } | { apiKey: string } | { proxy: string },
): string {
  if ('apiKey' in identity) return `key:${visible(identity.apiKey)}`
  if ('proxy' in identity) return `proxy:${visible(identity.proxy)}`
  // A bar inside an issuer would move the border between the two.
  return `${visible(identity.issuer ?? '').replaceAll('|', '%7C')}|${visible(identity.subject)}`
}

function visible(text: string): string {
  return text.replaceAll(/[^\x21-\x24\x26-\x7e]+/g, (part) =>
    Array.from(Buffer.from(part, 'utf8'), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** What a signature covers: it is worth nothing on another request, for another service, or much later. */
export interface SignedCaller {
  readonly caller: string
  readonly service: string
  readonly method: string
  /** request target as the service sees it */
  readonly target: string
}

export function signCaller(secret: string, signed: SignedCaller, nowMs: number = Date.now()): string {
  const seconds = Math.floor(nowMs / 1000)
  return `t=${seconds},v1=${mac(secret, seconds, signed)}`
}

/** Whether a signature is this gateway's and at most `toleranceSeconds` old or early. */
export function verifyCaller(
  secret: string,
  signed: SignedCaller,
  signature: string,
  options: { nowMs?: number; toleranceSeconds?: number } = {},
): boolean {
  const found = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(signature)
  if (found === null) return false
  const seconds = Number(found[1])
  const age = Math.abs((options.nowMs ?? Date.now()) / 1000 - seconds)
  if (age > (options.toleranceSeconds ?? 300)) return false
  const expected = Buffer.from(mac(secret, seconds, signed), 'hex')
  return timingSafeEqual(expected, Buffer.from(found[2] ?? '', 'hex'))
}

function mac(secret: string, seconds: number, { caller, service, method, target }: SignedCaller): string {
  return createHmac('sha256', secret).update(`${seconds}\n${service}\n${method}\n${target}\n${caller}`).digest('hex')
}
