import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

/**
 * The open exchanges of each client connection, in the order of their requests. Node tells an answer that its
 * connection is gone only if its turn had come; the pipelined ones behind it would wait for ever.
 */
export class Connections {
  readonly #open = new Map<Socket, Set<Exchange>>()

  add(socket: Socket, exchange: Exchange): void {
    let exchanges = this.#open.get(socket)
    if (exchanges === undefined) {
      exchanges = new Set()
      this.#open.set(socket, exchanges)
      socket.once('close', () => this.#closed(socket))
    }
    exchanges.add(exchange)
  }

  remove(socket: Socket, exchange: Exchange): void {
    this.#open.get(socket)?.delete(exchange)
  }

  /** The last request of a connection that is still open. */
  latest(socket: Socket): Exchange | undefined {
    return [...(this.#open.get(socket) ?? [])].findLast((exchange) => !exchange.isOver)
  }

  #closed(socket: Socket): void {
    const exchanges = this.#open.get(socket)
    this.#open.delete(socket)
    // Node first tells the answer whose turn it is; that one has then been told twice, which does nothing.
    for (const exchange of exchanges ?? []) exchange.close()
  }
}
