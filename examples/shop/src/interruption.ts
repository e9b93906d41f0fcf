/**
 * Ctrl-C and its kin. The first closes the shop properly, the second asks for patience, the third ends at once: the
 * guardian then ends every process and removes what is temporary.
 */

/** npm passes on the signal that the terminal has sent us already: what comes this soon is the same Ctrl-C. */
const SAME_MS = 300

export class Interruption {
  readonly #controller = new AbortController()
  readonly #say: (line: string) => void
  #heard = 0
  #lastAt = -SAME_MS

  /** Listens to SIGINT, SIGTERM and SIGHUP from now on. */
  constructor(say: (line: string) => void) {
    this.#say = say
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => this.interrupt())
    // A terminal that was closed cannot be written to. That is no reason to leave processes behind.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  }

  /** Aborted by the first one. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Does what the signal does; for Ctrl-C that came as a key. */
  interrupt(): void {
    const now = performance.now()
    if (now - this.#lastAt < SAME_MS) return
    this.#lastAt = now
    this.#heard++
    if (this.#heard === 1) this.#say('Ctrl-C: closing properly, then the audit')
    if (this.#heard === 2) this.#say('closing already; Ctrl-C once more ends at once, without an audit')
    if (this.#heard === 3) process.exit(130)
    this.#controller.abort()
  }
}
