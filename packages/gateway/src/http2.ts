/**
 * HTTP/2 requests and answers in the form that exchanges know, which is HTTP/1.1's (RFC 9113, 8 has both). What
 * HTTP/2 forbids (connection headers, a length that is not kept) its parser has refused already; fields with line breaks
 * or null bytes it has left out, and tells nobody.
 */
import {
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { ReadableOptions } from 'node:stream'

export class Request extends Http2ServerRequest {
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    options: ReadableOptions,
    rawHeaders: readonly string[],
  ) {
    super(stream, headers, options, http1Fields(rawHeaders, headers[':authority'], !stream.endAfterHeaders))
    if (stream.endAfterHeaders) return
    // Node lets a body that was broken off (a reset, a lost connection) end like one that is whole. Passed on so, half a
    // request would be carried out. As in HTTP/1.1 it is an error.
    let isWhole = false
    this.on('error', () => {})
    stream.on('end', () => (isWhole = true))
    stream.on('aborted', () => {
      if (!isWhole) this.destroy(new Error('the client broke its request off'))
    })
  }
}

function http1Fields(raw: readonly string[], authority: string | undefined, hasBody: boolean): string[] {
  const fields: string[] = []
  let cookie: string | undefined
  let hasLength = false
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    const value = raw[index + 1] as string
    // RFC 9113, 8.2.3: crumbs are one cookie to a reader of HTTP/1.1.
    if (name === 'cookie') cookie = cookie === undefined ? value : `${cookie}; ${value}`
    else if (name === ':authority') fields.push('host', value)
    // Another one than the authority stays: two hosts are refused.
    else if (!name.startsWith(':') && !(name === 'host' && value === authority)) fields.push(name, value)
    hasLength ||= name === 'content-length'
  }
  if (cookie !== undefined) fields.push('cookie', cookie)
  // A body without a length is what HTTP/1.1 calls chunked.
  if (hasBody && !hasLength) fields.push('transfer-encoding', 'chunked')
  return fields
}

export class Response extends Http2ServerResponse<Request> {
  constructor(stream: ServerHttp2Stream) {
    super(stream)
    // Node says yes of an answer whose client left before its end, too.
    const get = (): boolean => stream.writableFinished && !stream.aborted
    Object.defineProperty(this, 'writableFinished', { get })
  }

  /** `fields` as name, value, name, value … */
  override writeHead(status: number, fields?: unknown): this {
    const head: OutgoingHttpHeaders = {}
    const list = Array.isArray(fields) ? (fields as string[]) : []
    for (let index = 0; index < list.length; index += 2) {
      const name = list[index] as string
      const value = list[index + 1] as string
      // RFC 9113, 8.2.2: a connection is not an answer's to speak of. `trailer` may stay.
      if (name === 'connection' || name === 'keep-alive' || name === 'transfer-encoding') continue
      const before = head[name]
      head[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [String(before)]), value]
    }
    return super.writeHead(status, head)
  }

  /** As in HTTP/1.1: a list of names and values. */
  override addTrailers(fields: unknown): void {
    const trailers: Record<string, string[]> = {}
    for (const [name, value] of fields as [string, string][]) (trailers[name] ??= []).push(value)
    super.addTrailers(trailers)
  }

  /** The client must see that the answer is not whole: without an error the stream would end as if it were. */
  override destroy(): this {
    this.stream.destroy(new Error('the answer was cut'))
    return this
  }
}
