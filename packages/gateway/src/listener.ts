import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { GatewayLimits } from './options.ts'

export interface ListenerEvents {
  /** A request whose head is here. `head`: what came behind the head of one that asks for another protocol. */
  readonly request: (request: IncomingMessage, response: ServerResponse, head?: Buffer) => void
  /** Would this GET be answered by another protocol, where it asks for one? */
  readonly upgrades: (request: IncomingMessage) => boolean
  /** What could not be read as a request, or did not come in time. */
  readonly fault: (error: NodeJS.ErrnoException, socket: Socket) => void
}

/** The socket that clients connect to, and how requests are read from it. */
export class Listener {
  readonly #server: Server

  constructor(limits: GatewayLimits, events: ListenerEvents) {
    const options = {
      insecureHTTPParser: false,
      // Its absence is refused by us, as a problem.
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      // How often the two limits above are looked at.
      connectionsCheckingInterval: Math.min(1000, limits.headersMs, limits.requestMs),
      noDelay: true,
      // Node 24.9 and 22.21 have it; before, every request with `upgrade` comes to the listener below, and is answered
      // there as it would be here, but for its connection, which ends.
      shouldUpgradeCallback: (request: IncomingMessage) => events.upgrades(request),
    }
    this.#server = createServer(options)
    // Whatever a client expects is for the exchange to grant, once the head is found good.
    for (const event of ['request', 'checkContinue', 'checkExpectation']) this.#server.on(event, events.request)
    this.#server.on('upgrade', (request, socket, head) => events.request(request, answerOn(request, socket), head))
    // Too many headers are refused, not dropped in silence: what was dropped may be what protects the service.
    this.#server.maxHeadersCount = 0
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => events.fault(error, socket as Socket))
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
    return `http://${shown}:${this.port}`
  }

  /** Takes no more connections. Resolves when the last one has ended. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve())
      else resolve()
    })
  }

  closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  destroy(): void {
    this.#server.closeAllConnections()
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
