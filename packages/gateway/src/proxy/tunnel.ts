import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'

/** RFC 6455, 4.2.2: what a server that speaks WebSocket appends to the client's key. */
const webSocketGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * What is wrong with the answer to a WebSocket handshake; undefined: both sides may speak. A service that says 101 to
 * something it did not understand would read the client's bytes as requests.
 */
export function handshakeFault(status: number, answer: IncomingHttpHeaders, key: string): string | undefined {
  if (status !== 101 || answer.upgrade?.toLowerCase() !== 'websocket') return 'the service changed to another protocol'
  const accept = createHash('sha1')
    .update(key + webSocketGuid)
    .digest('base64')
  return answer['sec-websocket-accept'] === accept ? undefined : 'the service did not answer the WebSocket key'
}

/**
 * Passes bytes both ways, each as fast as the other side takes them. A side that ends is ended on the other one; a side
 * that breaks, or `idleMs` without a byte, destroys both.
 */
export function tunnel(client: Duplex, service: Duplex, idleMs: number): void {
  const destroy = (): void => {
    clearTimeout(timer)
    client.destroy()
    service.destroy()
  }
  const timer = setTimeout(destroy, idleMs)
  const pass = (from: Duplex, to: Duplex): void => {
    from.on('data', () => timer.refresh()).on('error', destroy)
    // Nobody is left to answer: what it had said still arrives, then the other side is over too.
    from.on('close', () => (from.readableEnded ? to.end(destroy) : destroy()))
    from.pipe(to)
  }
  pass(client, service)
  pass(service, client)
}
