import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/**
 * A connection that keeps back the last byte of what was written to it until `release`. A server cannot act on a
 * request before its last byte, so copies released in one go arrive as close together as a network allows, however
 * long connecting and sending took before.
 */
export class HeldSocket extends Duplex {
  readonly #socket: Socket
  #held: Buffer | undefined
  #released = false

  constructor(socket: Socket) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause()
    })
    let ended = false
    socket.once('end', () => {
      ended = true
      this.push(null)
    })
    socket.once('error', (error) => this.destroy(error))
    socket.once('close', () => {
      // What came before a clean end is still to be read.
      if (ended && !this.readableEnded) this.once('end', () => this.destroy())
      else this.destroy()
    })
  }

  /** Lets the last byte go; false where nothing was held or the connection is gone. */
  release(): boolean {
    this.#released = true
    if (this.#held === undefined || this.#socket.destroyed) return false
    this.#socket.write(this.#held)
    this.#held = undefined
    return true
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#released) {
      this.#socket.write(chunk, done)
      return
    }
    const all = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = all.subarray(-1)
    if (all.length > 1) this.#socket.write(all.subarray(0, -1), done)
    else done()
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
