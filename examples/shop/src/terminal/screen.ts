import { once } from 'node:events'
import type { Interruption } from '../interruption.ts'

/** Lines that stay, one line that lives below them, and keys. Plain lines only where there is no terminal. */
export class Screen {
  /** there is a terminal */
  readonly live: boolean
  readonly #stream: NodeJS.WriteStream
  #status = ''

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.live = stream.isTTY && process.env['TERM'] !== 'dumb'
  }

  say(text: string): void {
    this.#stream.write(`${this.#clear()}${text.trimEnd()}\n${this.live ? this.#status : ''}`)
  }

  status(line: string): void {
    if (!this.live) {
      this.#stream.write(`${line}\n`)
      return
    }
    this.#status = line.slice(0, Math.max(20, this.#stream.columns - 1))
    this.#stream.write(`${this.#clear()}${this.#status}`)
  }

  /** Passes keys on until there is an interruption; Ctrl-C is one. */
  async keys(interruption: Interruption, press: (key: string) => void): Promise<void> {
    const { stdin } = process
    if (this.live && stdin.isTTY) {
      stdin.setRawMode(true)
      stdin.on('error', () => {}) // the terminal was closed: SIGHUP tells
      stdin.resume()
      stdin.on('data', (chunk: Buffer) => {
        for (const key of chunk.toString('utf8')) {
          if (key === '\u0003') interruption.interrupt()
          else if (!interruption.signal.aborted) press(key)
        }
      })
    }
    const { signal } = interruption
    if (!signal.aborted) await once(signal, 'abort')
  }

  close(): void {
    if (process.stdin.isTTY) {
      process.stdin.removeAllListeners('data')
      process.stdin.setRawMode(false)
      process.stdin.pause()
    }
    if (this.live) this.#stream.write(this.#clear())
    this.#status = ''
  }

  #clear(): string {
    return this.live ? '\r\u001B[2K' : ''
  }
}
