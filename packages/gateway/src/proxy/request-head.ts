import { correlationHeader } from '../trace/correlation.ts'
import { Problem } from '../problem.ts'

/** What one pass over the raw headers of a request finds. */
export interface RequestHead {
  /** name, value, name, value … as they go on to the service; the gateway's own are appended to this very array */
  readonly forward: string[]
  readonly correlationId: string | undefined
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  readonly host: string | undefined
  readonly contentType: string | undefined
  /** bytes announced; undefined: none announced */
  readonly contentLength: number | undefined
  readonly chunked: boolean
  readonly contentEncoding: string | undefined
  readonly authorization: string | undefined
  readonly cookie: string | undefined
  readonly forwardedFor: string | undefined
  readonly forwarded: string | undefined
  readonly forwardedHost: string | undefined
  readonly forwardedProto: string | undefined
  /** hops before us */
  readonly via: string | undefined
  readonly expect: string | undefined
  /** `te`: the client reads trailers */
  readonly takesTrailers: boolean
  /** `request-timeout`: milliseconds the caller still waits */
  readonly timeoutMs: number | undefined
  /** the headers a route wants to look at, by lower-case name, several lines joined */
  readonly wanted: ReadonlyMap<string, string>
  readonly problem: Problem | undefined
}

/** Headers that belong to one connection (RFC 9110, 7.6.1), never forwarded in either direction. */
export function isHopByHop(name: string): boolean {
  switch (name) {
    case 'connection':
    case 'keep-alive':
    case 'proxy-authenticate':
    case 'proxy-authorization':
    case 'proxy-connection':
    case 'te':
    case 'trailer':
    case 'transfer-encoding':
    case 'upgrade':
    case 'http2-settings':
      return true
    default:
      return false
  }
}

/** Our own namespace: what a client sends in it is dropped, what a service answers in it stays inside. */
export const reservedPrefix = 'spandrel-'

const nothing: ReadonlyMap<string, string> = new Map()

/**
 * Reads a request's headers once: sorts out what is not forwarded, keeps what the gateway itself needs and what the
 * route asks for. Names and values of everything else are neither copied nor looked at again.
 */
export function readHead(
  raw: readonly string[],
  wantedNames: ReadonlySet<string> | undefined,
  /** lower case; kept for whoever wants it and never forwarded */
  dropped: string | undefined,
  maxHeaders: number,
): RequestHead {
  return read(raw, wantedNames, dropped, maxHeaders, undefined)
}

function read(
  raw: readonly string[],
  wantedNames: ReadonlySet<string> | undefined,
  dropped: string | undefined,
  maxHeaders: number,
  named: ReadonlySet<string> | undefined,
): RequestHead {
  const forward: string[] = []
  let correlationId: string | undefined
  let traceparent: string | undefined
  let tracestate: string | undefined
  let host: string | undefined
  let contentType: string | undefined
  let contentLength: number | undefined
  let chunked = false
  let contentEncoding: string | undefined
  let authorization: string | undefined
  let cookie: string | undefined
  let forwardedFor: string | undefined
  let forwarded: string | undefined
  let forwardedHost: string | undefined
  let forwardedProto: string | undefined
  let via: string | undefined
  let expect: string | undefined
  let takesTrailers = false
  let timeoutMs: number | undefined
  let wanted: Map<string, string> | undefined
  let fault: string | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    const value = raw[index + 1] as string
    const lower = name.toLowerCase()
    if (named?.has(lower) === true) continue
    if (wantedNames?.has(lower) === true) {
      const before = (wanted ??= new Map<string, string>()).get(lower)
      wanted.set(lower, before === undefined ? value : `${before}, ${value}`)
    }
    switch (lower) {
      case 'host':
        if (host !== undefined) fault = 'The host header is given twice.'
        host = value
        break
      case 'connection':
        // A client may name headers as its connection's own; they are then as absent as `connection` itself. Rare.
        if (named === undefined && value !== '' && !usual.test(value)) {
          return read(raw, wantedNames, dropped, maxHeaders, namedIn(raw))
        }
        break
      case 'transfer-encoding':
        chunked = true
        // A coding in front of it would be undone by nobody: the service hears of none. RFC 9112, 6.1.
        if (value.toLowerCase() !== 'chunked') fault = 'The only transfer coding that is taken is chunked.'
        break
      case 'content-length':
        contentLength = Number(value)
        break
      case 'keep-alive':
      case 'proxy-authenticate':
      case 'proxy-authorization':
      case 'proxy-connection':
      case 'trailer':
      case 'upgrade':
      case 'http2-settings':
      case 'x-real-ip':
      case 'x-forwarded-port':
      case 'x-forwarded-server':
        break
      case correlationHeader:
        correlationId ??= value
        break
      case 'traceparent':
        // Two parents are no parent.
        traceparent = traceparent === undefined ? value : ''
        break
      case 'tracestate':
        tracestate = tracestate === undefined ? value : `${tracestate},${value}`
        break
      case 'x-forwarded-for':
        forwardedFor = forwardedFor === undefined ? value : `${forwardedFor}, ${value}`
        break
      case 'forwarded':
        forwarded = forwarded === undefined ? value : `${forwarded}, ${value}`
        break
      case 'x-forwarded-host':
        forwardedHost ??= value
        break
      case 'x-forwarded-proto':
        forwardedProto ??= value
        break
      case 'te':
        takesTrailers ||= trailersToken.test(value)
        break
      case 'expect':
        expect = expect === undefined ? value : `${expect}, ${value}`
        break
      case 'via':
        via = via === undefined ? value : `${via}, ${value}`
        break
      case 'request-timeout':
        if (/^[1-9]\d{0,8}$/.test(value)) timeoutMs = Number(value)
        break
      case 'content-type':
        if (contentType !== undefined) fault = 'The content-type header is given twice.'
        contentType = value
        forward.push(name, value)
        break
      case 'content-encoding':
        contentEncoding = value
        forward.push(name, value)
        break
      case 'authorization':
        if (authorization !== undefined) fault = 'The authorization header is given twice.'
        authorization = value
        forward.push(name, value)
        break
      case 'cookie':
        cookie = cookie === undefined ? value : `${cookie}; ${value}`
        forward.push(name, value)
        break
      default:
        if (lower === dropped || lower.startsWith(reservedPrefix)) break
        forward.push(name, value)
    }
  }
  let problem: Problem | undefined
  if (raw.length > maxHeaders * 2)
    problem = new Problem('headers-too-large', { detail: `More than ${maxHeaders} headers.` })
  else if (host !== undefined && !authority.test(host)) fault = 'The host header is not a host.'
  if (fault !== undefined) problem = new Problem('request-malformed', { detail: fault, close: true })
  return {
    forward,
    correlationId,
    traceparent,
    tracestate,
    host,
    contentType,
    contentLength,
    chunked,
    contentEncoding,
    authorization,
    cookie,
    forwardedFor,
    forwarded,
    forwardedHost,
    forwardedProto,
    via,
    expect,
    takesTrailers,
    timeoutMs,
    wanted: wanted ?? nothing,
    problem,
  }
}

const trailersToken = /(?:^|,)[ \t]*trailers[ \t]*(?:,|;|$)/i
const usual = /^(?:keep-alive|close)$/i
const authority = /^(?:[A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

/** Every header named by a `connection` header, but what frames or routes the request, or is meant for us. */
function namedIn(raw: readonly string[]): ReadonlySet<string> {
  const named = new Set<string>()
  for (let index = 0; index < raw.length; index += 2) {
    if ((raw[index] as string).toLowerCase() !== 'connection') continue
    for (const token of (raw[index + 1] as string).split(',')) named.add(token.trim().toLowerCase())
  }
  for (const kept of ['connection', 'host', 'content-length', 'transfer-encoding', 'te', 'upgrade', ''])
    named.delete(kept)
  return named
}
