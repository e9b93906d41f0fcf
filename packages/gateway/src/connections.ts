import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

/**
 * The open exchanges, all of them and by client connection in the order of their requests. Older Nodes (20 for one,
 * not 24) tell an answer that its connection is gone only if its turn had come; the pipelined ones behind it would wait
 * for ever.
 *
 * Arrays and not Sets: a Set that sees as many additions as deletions is copied again and again, and its dead copies,
 * once in the old generation, keep every exchange they held until a full collection (measured at 3,000 requests/s:
 * scavenges of 30–90 ms instead of 1 ms, twice the CPU time a request).
 */
export class Connections {
  readonly #all: Exchange[] = []
  readonly #bySocket = new Map<Socket, Exchange[]>()

  get size(): number {
    return this.#all.length
  }

  add(exchange: Exchange): void {
    const { socket } = exchange
    exchange.slot = this.#all.push(exchange) - 1
    const open = this.#bySocket.get(socket)
    if (open !== undefined) open.push(exchange)
    else {
      this.#bySocket.set(socket, [exchange])
      socket.once('close', () => this.#closed(socket))
    }
  }

  remove(exchange: Exchange): void {
    const last = this.#all.pop()
    if (last !== undefined && last !== exchange) {
      this.#all[exchange.slot] = last
      last.slot = exchange.slot
    }
    const open = this.#bySocket.get(exchange.socket)
    const index = open?.indexOf(exchange) ?? -1
    if (index !== -1) open?.splice(index, 1)
  }

  /** The last request of a connection that is still open. */
  latest(socket: Socket): Exchange | undefined {
    return this.#bySocket.get(socket)?.findLast((exchange) => !exchange.isOver)
  }

  /** Answers that have no end of their own are ended where they may be. */
  drain(): void {
    for (const exchange of this.#all.slice()) exchange.drain()
  }

  /** Cuts every exchange, on both sides. */
  destroyAll(): void {
    for (const exchange of this.#all.slice()) exchange.destroy()
  }

  #closed(socket: Socket): void {
    const open = [...(this.#bySocket.get(socket) ?? [])]
    this.#bySocket.delete(socket)
    // Those whom Node has told already are told twice, which does nothing.
    for (const exchange of open) exchange.close()
  }
}
