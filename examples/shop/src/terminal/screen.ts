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

  /** Passes keys on. Resolves at Ctrl-C, SIGINT or SIGTERM. */
  async keys(press: (key: string) => void): Promise<void> {
    const { stdin } = process
    await new Promise<void>((resolve) => {
      process.once('SIGINT', () => resolve())
      process.once('SIGTERM', () => resolve())
      if (!this.live || !stdin.isTTY) return
      stdin.setRawMode(true)
      stdin.resume()
      stdin.on('data', (chunk: Buffer) => {
        for (const key of chunk.toString('utf8')) {
          if (key === '\u0003') resolve()
          else press(key)
        }
      })
    })
    this.#freeInput()
  }

  close(): void {
    this.#freeInput()
    if (this.live) this.#stream.write(this.#clear())
    this.#status = ''
  }

  #freeInput(): void {
    if (!process.stdin.isTTY) return
    process.stdin.removeAllListeners('data')
    process.stdin.setRawMode(false)
    process.stdin.pause()
  }

  #clear(): string {
    return this.live ? '\r\u001B[2K' : ''
  }
}
