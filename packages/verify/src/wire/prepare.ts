/**
 * Sends one HTTP request in two steps: `prepare` connects and sends everything but the last byte; `release` sends that.
 * Every request has a connection of its own, follows no redirect, and uses no proxy of the environment.
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { isDistrust } from './certificate.ts'
import { HeldSocket } from './held-socket.ts'
import { isWithin } from './within.ts'
import { type Answer, type Exchange, headerOf, type Outcome, type Outgoing } from './outgoing.ts'

export interface PrepareOptions {
  /** base URLs; a request to another scheme, host or port is never sent */
  within: readonly string[]
  /** default 30 s, from preparing to the last byte of the answer */
  timeoutMs?: number
  /** milliseconds; default `performance.now` */
  clock?: () => number
  /** accept any certificate, as `curl -k` does */
  insecure?: boolean
}

export interface Prepared {
  /** everything but the last byte has left, or it failed already (see `done`) */
  readonly ready: Promise<void>
  /** Sends the last byte; a second call does nothing. */
  release(): void
  /** Breaks the connection off, as a client that crashes does. */
  abort(): void
  /** never rejects */
  readonly done: Promise<Exchange>
}

const defaultTimeoutMs = 30_000
/** bytes */
const largestAnswer = 16 * 1024 * 1024

export function prepare(outgoing: Outgoing, options: PrepareOptions): Prepared {
  if (!isWithin(outgoing.url, options.within)) return kept(`${outgoing.url} is elsewhere than the service: not asked`)
  const clock = options.clock ?? (() => performance.now())
  const url = new URL(outgoing.url)
  const socket = open(url, options.insecure ?? false)
  const held = new HeldSocket(socket)
  let sentAt: number | undefined
  let firstByteAt: number | undefined
  let settled = false
  let why: string | undefined

  const ready = Promise.withResolvers<void>()
  const done = Promise.withResolvers<Exchange>()
  const client = httpRequest({ ...target(outgoing, url), createConnection: () => held })
  const end = (outcome: Outcome, lastByteAt?: number): void => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    held.destroy()
    ready.resolve()
    done.resolve({
      outcome,
      ...(sentAt !== undefined && { sentAt }),
      ...(firstByteAt !== undefined && { firstByteAt }),
      ...(lastByteAt !== undefined && { lastByteAt }),
      ...(local !== undefined && { connection: local }),
    })
  }
  const lost = (reason: string): void => end({ kind: sentAt === undefined ? 'unsent' : 'unknown', why: why ?? reason })
  let local: string | undefined
  const timer = setTimeout(() => {
    why = `no answer within ${options.timeoutMs ?? defaultTimeoutMs} ms`
    lost(why)
  }, options.timeoutMs ?? defaultTimeoutMs)

  socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
    local = `${socket.localAddress}:${socket.localPort}`
  })
  socket.once('data', () => (firstByteAt = clock()))
  let answering = false
  // Once an answer has begun, reading it says whether it is whole: its end may be the end of the connection (RFC 9112, 6.3).
  held.once('close', () => {
    if (!answering) lost('the connection was closed')
  })
  client.on('error', (error) => lost(describe(error)))
  client.once('finish', () => flushed(socket, ready.resolve))
  client.once('response', (response) => {
    answering = true
    void read(response).then(
      (answer) => end({ kind: 'answer', answer }, clock()),
      (error: unknown) => lost(describe(error)),
    )
  })
  write(client, outgoing)

  return {
    ready: ready.promise,
    done: done.promise,
    release() {
      if (settled || sentAt !== undefined) return
      const at = clock()
      if (held.release()) sentAt = at
    },
    abort() {
      why = 'given up by the client'
      lost(why)
    },
  }
}

/** Waits until all are ready, then releases their last bytes in one go. */
export async function sendTogether(outgoing: readonly Outgoing[], options: PrepareOptions): Promise<Exchange[]> {
  const prepared = outgoing.map((one) => prepare(one, options))
  await Promise.all(prepared.map(({ ready }) => ready))
  for (const one of prepared) one.release()
  return await Promise.all(prepared.map(({ done }) => done))
}

/** A request that never leaves. */
function kept(why: string): Prepared {
  const done = Promise.resolve<Exchange>({ outcome: { kind: 'unsent', why } })
  return { ready: Promise.resolve(), done, release() {}, abort() {} }
}

function open(url: URL, insecure: boolean): Socket {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  if (url.protocol !== 'https:') return connectPlain({ host, port })
  return connectSecure({ host, port, servername: host, rejectUnauthorized: !insecure, ALPNProtocols: ['http/1.1'] })
}

/** Headers go as they are: what is missing for HTTP/1.1 is added, nothing else. */
function target(outgoing: Outgoing, url: URL): { method: string; path: string; headers: string[] } {
  const headers: string[] = []
  if (headerOf(outgoing.headers, 'host') === undefined) headers.push('Host', url.host)
  for (const [name, value] of outgoing.headers) {
    if (!/^(content-length|transfer-encoding|connection)$/i.test(name)) headers.push(name, value)
  }
  if (outgoing.body !== undefined) headers.push('Content-Length', String(Buffer.byteLength(outgoing.body)))
  else if (!/^(GET|HEAD|OPTIONS|DELETE|TRACE)$/.test(outgoing.method)) headers.push('Content-Length', '0')
  headers.push('Connection', 'close')
  return { method: outgoing.method, path: `${url.pathname}${url.search}`, headers }
}

function write(client: ClientRequest, outgoing: Outgoing): void {
  if (outgoing.body === undefined) client.end()
  else client.end(outgoing.body)
}

/** Calls back when the system has taken all that was written, or the connection is gone. */
function flushed(socket: Socket, done: () => void): void {
  const look = (): void => {
    if (socket.destroyed || (!socket.connecting && socket.writableLength === 0)) done()
    else setImmediate(look)
  }
  look()
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    // An answer without an end would fill memory long before its time is up.
    if (size > largestAnswer) throw new Error(`the answer is longer than ${largestAnswer / 1024 / 1024} MB`)
    chunks.push(chunk as Buffer)
  }
  const headers: Record<string, string> = {}
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    const [name, value] = [response.rawHeaders[at]!.toLowerCase(), response.rawHeaders[at + 1]!]
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  return { status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString('utf8') }
}

function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: string }
  if (code === 'ECONNREFUSED') return 'nobody listens there (ECONNREFUSED)'
  if (code === 'ENOTFOUND') return 'there is no such host (ENOTFOUND)'
  if (isDistrust(error as NodeJS.ErrnoException))
    return `its certificate is not trusted (${error.message}): NODE_EXTRA_CA_CERTS=ca.pem names who signed it`
  if (code === 'ECONNRESET' && error.message === 'aborted')
    return 'the connection was closed before the answer was whole'
  if (code === 'ECONNRESET') return 'the connection was reset (ECONNRESET)'
  return error.message || (code ?? error.name)
}
