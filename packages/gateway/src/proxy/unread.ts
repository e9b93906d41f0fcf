import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * The time that a client has to take what was written of its answer. Without a limit to the last part of it, too,
 * whoever reads nothing keeps what he asked for open for as long as he likes.
 */
export class Unread {
  readonly #response: ServerResponse
  readonly #socket: Socket
  readonly #ms: number
  #timer: NodeJS.Timeout | undefined

  constructor(response: ServerResponse, socket: Socket, ms: number) {
    this.#response = response
    this.#socket = socket
    this.#ms = ms
  }

  get isOpen(): boolean {
    return this.#timer !== undefined
  }

  /** Something was written, or all of it. */
  begin(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(over, this.#ms, this)
  }

  /** It was taken. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  over(): void {
    // Not its turn yet: the answer to an earlier request on this connection is being read.
    if (this.#response.socket === null && !this.#socket.destroyed) this.#timer?.refresh()
    else this.#response.destroy()
  }
}

function over(unread: Unread): void {
  unread.over()
}
