/**
 * `/.spandrel/…` of every service:
 *   live, ready      open, without details
 *   health, metrics  bearer token; without a configured one, only for this machine
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface ManagementOptions {
  token: string | undefined
  ready: () => boolean | Promise<boolean>
  health: () => object | Promise<object>
  metrics: () => string
}

const MANAGEMENT_PATH = '/.spandrel/'

export function isManagement(url: string): boolean {
  return url.startsWith(MANAGEMENT_PATH)
}

/** Answers a management request; false where this is none. */
export async function manage(
  request: IncomingMessage,
  response: ServerResponse,
  options: ManagementOptions,
): Promise<boolean> {
  const path = (request.url ?? '').split('?', 1)[0] ?? ''
  if (!isManagement(path)) return false
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return answer(response, 405, { status: 'method not allowed' }, { allow: 'GET, HEAD' })
  }
  switch (path.slice(MANAGEMENT_PATH.length)) {
    case 'live':
      return answer(response, 200, { status: 'live' })
    case 'ready': {
      const ready = await options.ready()
      return answer(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready' })
    }
    case 'health':
      if (!isAllowed(request, options.token)) return refuse(response, options.token)
      return answer(response, 200, await options.health())
    case 'metrics':
      if (!isAllowed(request, options.token)) return refuse(response, options.token)
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
      response.end(options.metrics())
      return true
    default:
      return answer(response, 404, { status: 'not found' })
  }
}

function isAllowed(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined || token === '') return isLocal(request)
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/** A proxy on this machine makes everybody look local: what it forwards is not. */
function isLocal(request: IncomingMessage): boolean {
  const { remoteAddress } = request.socket
  const forwarded = 'forwarded' in request.headers || 'x-forwarded-for' in request.headers
  return !forwarded && remoteAddress !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(remoteAddress)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function refuse(response: ServerResponse, token: string | undefined): true {
  if (token === undefined || token === '') {
    return answer(response, 403, {
      status: 'forbidden',
      hint: 'set SPANDREL_MANAGEMENT_TOKEN, or ask from this machine',
    })
  }
  return answer(response, 401, { status: 'unauthorized' }, { 'www-authenticate': 'Bearer' })
}

function answer(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): true {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers })
  response.end(JSON.stringify(body))
  return true
}
