import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BreakerState } from '@spandrel/runtime/operate'
import type { KeysHealth } from '../keys/kept-keys.ts'
import { Problem } from '../problem.ts'
import type { ContractsHealth, ReloadOutcome } from '../reload.ts'

/** Everything below this path is the gateway's own and never forwarded. */
export const managementPrefix = '/.spandrel/'

export interface GatewayHealth {
  /** it takes requests: it listens and is not stopping */
  readonly ready: boolean
  readonly inFlight: number
  readonly contracts: ContractsHealth
  readonly services: Readonly<Record<string, readonly InstanceHealth[]>>
  /** the database of key records; absent where this gateway keeps none */
  readonly keys?: KeysHealth
}

export interface InstanceHealth {
  readonly url: string
  /** epoch milliseconds of the last answer, or null before the first */
  readonly lastSuccess: number | null
  readonly lastError: { readonly at: number; readonly message: string } | null
  /** `open`: it failed too often and is asked no more until a probe succeeds; `off`: there is none */
  readonly breaker: BreakerState | 'off'
}

export interface Management {
  readonly health: () => GatewayHealth
  readonly metrics: () => string
  /** undefined: this gateway was not told how to load its contracts */
  readonly reload: (() => Promise<ReloadOutcome>) | undefined
  /** without one, what is not open is answered to this machine only */
  readonly token: string | undefined
}

/**
 * `live` and `ready` are open and say one word. `health` and `metrics` need the bearer token; where none is set they
 * are for a peer on this machine that is not a proxy speaking for somebody else. `reload` needs a token in any case: a
 * page in a browser on this machine can send a POST, too.
 */
export function manage(management: Management, request: IncomingMessage, response: ServerResponse, peer: string): void {
  const { pathname } = new URL(request.url ?? '/', 'http://gateway')
  const name = pathname.slice(managementPrefix.length)
  const send = (status: number, type: string, body: string, headers: readonly string[] = []): void => {
    const head = ['content-type', type, 'content-length', String(Buffer.byteLength(body)), 'cache-control', 'no-store']
    response.writeHead(status, [...head, ...headers])
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  const refuse = (problem: Problem): void =>
    send(problem.status, 'application/problem+json', problem.body(undefined), problem.details.headers)

  if (!['live', 'ready', 'health', 'metrics', 'reload'].includes(name)) return refuse(new Problem('not-found'))
  if (name === 'reload') return reload(management, request, send, refuse)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refuse(new Problem('method-not-allowed', { headers: ['allow', 'GET, HEAD'] }))
  }
  if (name === 'live') return send(200, 'text/plain', 'live\n')
  const health = management.health()
  if (name === 'ready') return send(health.ready ? 200 : 503, 'text/plain', health.ready ? 'ready\n' : 'stopping\n')
  const problem = mayRead(management.token, request, peer)
  if (problem !== undefined) return refuse(problem)
  if (name === 'metrics') return send(200, 'text/plain; version=0.0.4; charset=utf-8', management.metrics())
  send(200, 'application/json', JSON.stringify(health))
}

function reload(
  { reload: begin, token }: Management,
  request: IncomingMessage,
  send: (status: number, type: string, body: string) => void,
  refuse: (problem: Problem) => void,
): void {
  request.resume()
  if (request.method !== 'POST') return refuse(new Problem('method-not-allowed', { headers: ['allow', 'POST'] }))
  if (token === undefined) {
    return refuse(new Problem('forbidden', { detail: 'No management token is set: nobody may reload the contracts.' }))
  }
  const problem = presents(token, request)
  if (problem !== undefined) return refuse(problem)
  if (begin === undefined) {
    return refuse(
      new Problem('not-found', { detail: 'This gateway has no `load`: it cannot read its contracts again.' }),
    )
  }
  void begin().then((outcome) => {
    if (outcome.loaded) return send(200, 'application/json', JSON.stringify(outcome))
    const refused = new Problem('contracts-refused')
    const body = { ...(JSON.parse(refused.body(undefined)) as object), ...outcome }
    send(refused.status, 'application/problem+json', JSON.stringify(body))
  })
}

function mayRead(token: string | undefined, request: IncomingMessage, peer: string): Problem | undefined {
  const { headers } = request
  if (token === undefined) {
    const proxied = headers['forwarded'] !== undefined || headers['x-forwarded-for'] !== undefined
    if (!proxied && (peer === '::1' || peer.startsWith('127.'))) return undefined
    return new Problem('forbidden', { detail: 'No management token is set: this is for the gateway’s own machine.' })
  }
  return presents(token, request)
}

function presents(token: string, { headers }: IncomingMessage): Problem | undefined {
  const presented = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
  if (presented !== undefined && timingSafeEqual(digest(presented), digest(token))) return undefined
  return new Problem('caller-unknown', {
    detail: 'The management token is needed.',
    headers: ['www-authenticate', 'Bearer realm="management"'],
  })
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
