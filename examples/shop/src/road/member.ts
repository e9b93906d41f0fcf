/**
 * One process of the shop: started, waited for, frozen, killed and started again.
 *
 *   stopped ──start──▶ starting ──ready──▶ up ──kill──▶ down ──start──▶ …
 *                                          up ──it ends by itself──▶ down, and is started again
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endGroup, signalGroup, spawnGroup } from 'spandrel/embedded'

export interface Program {
  /** arguments of node */
  args: readonly string[]
  cwd: string
}

export interface MemberOptions {
  name: string
  /** what it runs; where there are several, each start takes the next */
  programs: readonly [Program, ...Program[]]
  env: Readonly<Record<string, string>>
  /** a URL that answers 2xx once the process can work, or a line it writes then */
  ready: string | RegExp
  log: string
}

/**
 * What processes get of our own environment; nothing else of it is their business. The compile cache halves the time
 * a process that was killed takes to be back.
 */
const INHERITED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR'].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  ),
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../.spandrel/compile-cache', import.meta.url)),
}

export class Member {
  readonly name: string
  readonly #options: MemberOptions
  readonly #log: WriteStream
  #child: ChildProcess | undefined
  #killed: ChildProcess | undefined
  #tail: string[] = []
  #stopping = false
  #restarting: Promise<void> | undefined
  #up = false
  readonly #starts: Program[] = []

  constructor(options: MemberOptions) {
    this.name = options.name
    this.#options = options
    this.#log = createWriteStream(options.log, { flags: 'a' })
  }

  get up(): boolean {
    return this.#up
  }

  /** what was started, time after time */
  get starts(): readonly Program[] {
    return this.#starts
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const { programs, env } = this.#options
    const program = programs[this.#starts.length % programs.length] ?? programs[0]
    this.#starts.push(program)
    const { args, cwd } = program
    const child = spawnGroup(process.execPath, args, {
      cwd,
      env: { ...INHERITED, NODE_NO_WARNINGS: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#tail = []
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log.write(text)
        this.#tail = [...this.#tail, ...text.split('\n').filter(Boolean)].slice(-30)
      })
    }
    child.once('exit', () => {
      if (this.#child !== child) return
      this.#up = false
      // Nobody killed it: a fault of its own. It comes back, as under any supervisor.
      if (!this.#stopping) this.#restarting ??= this.#restart(Promise.resolve(), 200)
    })
    await this.#ready(child)
  }

  /** SIGSTOP: what is in flight now stays in flight. */
  freeze(): void {
    if (this.#child !== undefined) signalGroup(this.#child, 'SIGSTOP')
  }

  /** SIGKILL, and a new process after a moment. Resolves when the old one is gone. */
  async kill(restartAfterMs: number): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    this.#up = false
    this.#killed = child
    const gone = once(child, 'exit')
    this.#restarting ??= this.#restart(gone, restartAfterMs)
    signalGroup(child, 'SIGKILL')
    await gone
  }

  /** Resolves when the process answers, or rejects when it has not in time. */
  async waitUntilUp(timeoutMs: number): Promise<void> {
    const started = Date.now()
    while (!this.#up) {
      if (Date.now() - started > timeoutMs)
        throw new Error(`${this.name} is not up after ${timeoutMs} ms:\n${this.#tail.join('\n')}`)
      await delay(20)
    }
  }

  /** SIGTERM, and SIGKILL if that takes more than 10 s. True where it ended by itself and without a fault, or was killed before. */
  async stop(): Promise<boolean> {
    this.#stopping = true
    await this.#restarting?.catch(() => {})
    const child = this.#child
    this.#up = false
    if (child !== undefined) await endGroup(child, { graceMs: 10_000 })
    this.#log.end()
    return child === undefined || child === this.#killed || child.exitCode === 0
  }

  /** What it says of itself; undefined where it cannot be asked. */
  async health(): Promise<unknown> {
    const { ready } = this.#options
    if (typeof ready !== 'string') return undefined
    const answer = await fetch(new URL('health', ready), { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
    return answer?.json().catch(() => undefined)
  }

  /** The last lines it wrote. */
  tail(): readonly string[] {
    return this.#tail
  }

  async #restart(gone: Promise<unknown>, afterMs: number): Promise<void> {
    await gone
    for (let pauseMs = afterMs; !this.#stopping && !this.#up; pauseMs = 500) {
      await delay(pauseMs)
      if (!this.#stopping) await this.start().catch((error: unknown) => this.#tail.push(String(error)))
    }
    this.#restarting = undefined
  }

  async #answers(): Promise<boolean> {
    const { ready } = this.#options
    if (typeof ready !== 'string') return this.#tail.some((line) => ready.test(line))
    const answer = await fetch(ready, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
    await answer?.body?.cancel()
    return answer?.ok === true
  }

  async #ready(child: ChildProcess): Promise<void> {
    const started = Date.now()
    while (child.exitCode === null && child.signalCode === null) {
      if (await this.#answers()) {
        this.#up = true
        return
      }
      if (Date.now() - started > 30_000) break
      await delay(20)
    }
    if (child.signalCode !== null) return // killed again before it was up
    throw new Error(`${this.name} does not start:\n${this.#tail.join('\n')}`)
  }
}
