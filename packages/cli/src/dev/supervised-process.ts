/**
 * One command that is kept running.
 *
 *            start                    ended by itself
 *   stopped ───────▶ running ────────────────────────────▶ waiting (backoff)
 *      ▲               │  ▲                                   │ time is up, or restart()
 *      │ stop          │  └───────────────────────────────────┘
 *      └── stopping ◀──┘
 *
 * Backoff: 0.2 s doubled up to 10 s; a process that lived for 10 s begins at 0.2 s again. A restart on change does not
 * wait for it.
 */
import type { ChildProcess } from 'node:child_process'
import { endGroup, spawnGroup } from '../embedded/index.ts'
import { readLines } from './line-reader.ts'

export interface ProcessSpec {
  name: string
  /** a shell command line, or a program and its arguments */
  command: string | readonly [string, ...string[]]
  cwd: string
  env: NodeJS.ProcessEnv
}

export interface ProcessEvents {
  line(text: string): void
  started(pid: number): void
  /** It ended although nobody asked; it is started again after `againInMs`. */
  crashed(how: string, againInMs: number): void
}

export class SupervisedProcess {
  readonly name: string
  #spec: ProcessSpec
  readonly #events: ProcessEvents
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #wanted = false
  #crashes = 0
  /** restarts and stops happen one after the other */
  #turn: Promise<void> = Promise.resolve()

  constructor(spec: ProcessSpec, events: ProcessEvents) {
    this.name = spec.name
    this.#spec = spec
    this.#events = events
  }

  /** The leader of its process group; undefined while none runs. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    this.#wanted = true
    this.#launch()
  }

  /** Ends it if it runs, and starts it at once, with another command where one is given. */
  restart(spec?: ProcessSpec): Promise<void> {
    return this.#next(async () => {
      if (spec !== undefined) this.#spec = spec
      if (!this.#wanted) return
      await this.#end(5000)
      this.#crashes = 0
      if (this.#wanted) this.#launch()
    })
  }

  /** Ends it politely, after `graceMs` not so politely. Idempotent. */
  stop(graceMs = 8000): Promise<void> {
    this.#wanted = false
    return this.#next(() => this.#end(graceMs))
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work)
    return this.#turn
  }

  async #end(graceMs: number): Promise<void> {
    clearTimeout(this.#timer)
    const child = this.#child
    this.#child = undefined
    if (child !== undefined) await endGroup(child, { graceMs })
  }

  #launch(): void {
    clearTimeout(this.#timer)
    if (this.#child !== undefined) return
    const { command, cwd, env } = this.#spec
    const [program, args]: [string, readonly string[]] =
      typeof command === 'string' ? ['/bin/sh', ['-c', command]] : [command[0], command.slice(1)]
    const child = spawnGroup(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const startedAt = Date.now()
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) readLines(stream, (text) => this.#events.line(text))
    }
    if (child.pid !== undefined) this.#events.started(child.pid)
    const ended = (how: string): void => {
      if (this.#child !== child) return
      this.#child = undefined
      // Children it left behind would hold its port.
      void endGroup(child, { graceMs: 0 })
      if (!this.#wanted) return
      if (Date.now() - startedAt > 10_000) this.#crashes = 0
      const wait = Math.min(10_000, 200 * 2 ** this.#crashes++)
      this.#events.crashed(how, wait)
      this.#timer = setTimeout(() => this.#launch(), wait)
    }
    child.once('error', (error) => ended(error.message))
    child.once('exit', (code, signal) => ended(signal === null ? `ended with code ${code}` : `was ended by ${signal}`))
  }
}
