import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import { Request, Response } from './http2.ts'
import type { GatewayLimits } from './options.ts'
import type { Certificate } from './tls.ts'

/** What is left of an answered request's body is read and dropped for so long, in HTTP/2. */
const lingerMs = 5000

export interface ListenerEvents {
  /** A request whose head is here. `head`: what came behind the head of one that asks for another protocol. */
  readonly request: (request: IncomingMessage, response: ServerResponse, head?: Buffer) => void
  /** Would this GET be answered by another protocol, where it asks for one? */
  readonly upgrades: (request: IncomingMessage) => boolean
  /** A request of this (HTTP/2: its stream's) socket did not come in time. */
  readonly late: (socket: Socket) => void
  /** What could not be read as a request, or did not come in time. */
  readonly fault: (error: NodeJS.ErrnoException, socket: Socket) => void
}

/** The socket that clients connect to, and how requests are read from it. */
export class Listener {
  readonly #server: Server
  readonly #isSecure: boolean
  /** HTTP/2 connections; Node ends those of HTTP/1 by itself */
  readonly #sessions = new Set<ServerHttp2Session>()
  /** of TCP, whatever is spoken on it, and if nothing is */
  readonly #sockets = new Set<Socket>()

  constructor(limits: GatewayLimits, events: ListenerEvents, certificate?: Certificate) {
    const options = {
      insecureHTTPParser: false,
      // Its absence is refused by us, as a problem.
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(limits.headersMs, limits.requestMs),
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      // How often the two limits above are looked at.
      connectionsCheckingInterval: Math.min(1000, limits.headersMs, limits.requestMs),
      noDelay: true,
      // Node 24.9 and 22.21 have it; before, every request with `upgrade` comes to the listener below, and is answered
      // there as it would be here, but for its connection, which ends.
      shouldUpgradeCallback: (request: IncomingMessage) => events.upgrades(request),
    }
    this.#isSecure = certificate !== undefined
    this.#server =
      certificate === undefined ? createServer(options) : this.#secure({ ...options, ...certificate }, limits, events)
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    // Whatever a client expects is for the exchange to grant, once the head is found good.
    for (const event of ['request', 'checkContinue', 'checkExpectation']) this.#server.on(event, events.request)
    this.#server.on('upgrade', (request, socket, head) => events.request(request, answerOn(request, socket), head))
    // Too many headers are refused, not dropped in silence: what was dropped may be what protects the service.
    this.#server.maxHeadersCount = 0
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // Nothing can be said to somebody with whom no TLS was agreed on.
      if ((socket as Partial<TLSSocket & { secureConnecting: boolean }>).secureConnecting === true) socket.destroy()
      else events.fault(error, socket as Socket)
    })
  }

  /** New connections are shown another certificate. */
  renew(certificate: Certificate): void {
    if (this.#isSecure) (this.#server as ReturnType<typeof createSecureServer>).setSecureContext(certificate)
  }

  /** HTTPS, whose connections speak HTTP/2 where client and server agreed on it. */
  #secure(options: object, limits: GatewayLimits, events: ListenerEvents): Server {
    const secure = createSecureServer({
      ...options,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: limits.headersMs,
    })
    const multiplexed = this.#multiplexed(limits, events)
    const [http1] = secure.listeners('secureConnection')
    secure.removeAllListeners('secureConnection')
    secure.on('secureConnection', (socket) => {
      if (socket.alpnProtocol === 'h2') multiplexed.emit('connection', socket)
      else http1?.call(secure, socket)
    })
    return secure
  }

  #multiplexed(
    limits: GatewayLimits,
    events: ListenerEvents,
  ): Http2Server<never, never, typeof Request, typeof Response> {
    const server = createHttp2Server({
      Http2ServerRequest: Request,
      Http2ServerResponse: Response,
      settings: { maxHeaderListSize: limits.headerBytes, maxConcurrentStreams: 100 },
      // More headers than the limit are refused by the exchange, in words.
      maxHeaderListPairs: limits.headers * 2,
    })
    server.on('session', (session) => {
      this.#sessions.add(session)
      session.on('close', () => this.#sessions.delete(session)).on('error', () => {})
      session.setTimeout(limits.keepAliveMs, () => session.close())
    })
    const take = (request: Request, response: Response): void => {
      // Node looks at the time of a request in HTTP/1 only.
      if (!request.stream.endAfterHeaders) {
        const late = setTimeout(() => events.late(request.socket as Socket), limits.requestMs)
        request.on('end', () => clearTimeout(late)).on('close', () => clearTimeout(late))
      }
      const { stream } = request
      // An answer before the end of the request: the rest is read and dropped, or it would take the whole connection's
      // share. Not for ever: then the stream is reset.
      stream.on('finish', () => {
        if (stream.endAfterHeaders || request.complete) return
        const end = setTimeout(() => stream.destroy(), lingerMs)
        stream.on('close', () => clearTimeout(end)).removeAllListeners('data')
        stream.resume()
      })
      events.request(request as never, response as never)
    }
    for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take)
    return server as never
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get listening(): boolean {
    return this.#server.listening
  }

  /** Resolves with the base URL. */
  async listen(at: { port: number; host: string }): Promise<string> {
    await new Promise<void>((ready, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(at, () => {
        this.#server.off('error', reject)
        ready()
      })
    })
    const shown = at.host.includes(':') ? `[${at.host}]` : at.host
    return `${this.#isSecure ? 'https' : 'http'}://${shown}:${this.port}`
  }

  /** Takes no more connections. Resolves when the last one has ended. */
  close(): Promise<void> {
    // Each is told that no further request will be taken, and ends with its last one.
    for (const session of this.#sessions) session.close()
    return new Promise((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve())
      else resolve()
    })
  }

  closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  /** Cuts what is connected. Node knows only of those that have agreed on TLS, and on HTTP/1.1. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Node gives a request for another protocol its bare socket. Where it is refused, it is answered in HTTP all the same. */
function answerOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  socket.on('error', () => {})
  response.on('finish', () => (socket as Socket).destroySoon())
  return response
}
