/**
 * How `verify` kills and starts the service it attacks: by commands of the user. What `--start` leaves running is in a
 * process group of ours, and ends with us whatever happens.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { ProcessControl } from '@spandrel/verify'
import { endGroup, signalGroup, spawnGroup } from '../embedded/process-group.ts'
import { CommandError } from '../output/command-error.ts'

export interface ServiceCommands {
  readonly start: string
  /** absent: the process group of `start` gets SIGKILL */
  readonly kill?: string
}

/** `docker stop` takes ten seconds; what takes longer than this hangs. */
const killMs = 30_000

export class CommandedService implements ProcessControl {
  readonly #commands: ServiceCommands
  #running: ChildProcess | undefined
  #kept = ''
  #hung = false

  constructor(commands: ServiceCommands) {
    this.#commands = commands
  }

  async start(): Promise<void> {
    await this.#end()
    // A command that stays is the service; one that returns (`docker start`) has started it elsewhere.
    this.#running = this.#spawn(this.#commands.start)
  }

  async kill(): Promise<void> {
    const { kill } = this.#commands
    if (kill === undefined) {
      const child = this.#running
      if (child !== undefined) signalGroup(child, 'SIGKILL')
      await this.#end()
      return
    }
    const code = await this.#runKill(kill)
    if (code === 0) return
    if (code === 'late') {
      this.#hung = true
      throw new CommandError(`\`${kill}\` did not end within ${killMs / 1000} s`, {
        where: '--kill',
        fix: 'it must end the service at once, and return: docker kill NAME, kill -9 PID. A polite stop is no crash',
      })
    }
    throw new CommandError(`\`${kill}\` ended with ${code ?? 'a signal'}${this.#said()}`, {
      where: '--kill',
      fix: 'it must end the service at once and succeed: docker kill NAME, or leave --kill out where --start keeps running',
    })
  }

  /** Ends what runs, also what `--start` has started elsewhere. */
  async close(): Promise<void> {
    // One that hung once is not waited for again.
    if (this.#commands.kill !== undefined && this.#running !== undefined && !this.#hung)
      await this.#runKill(this.#commands.kill)
    await this.#end()
  }

  /** Why it will never be ready; undefined: nothing says so. */
  failed(): string | undefined {
    const code = this.#running?.exitCode
    return typeof code === 'number' && code !== 0 ? `the command of --start ended with ${code}` : undefined
  }

  async #runKill(command: string): Promise<number | null | 'late'> {
    const child = this.#spawn(command)
    const late = Promise.withResolvers<'late'>()
    const timer = setTimeout(() => late.resolve('late'), killMs)
    try {
      return await Promise.race([once(child, 'exit').then(([code]) => code as number | null), late.promise])
    } finally {
      clearTimeout(timer)
      await endGroup(child, { graceMs: 0 })
    }
  }

  /** The last lines the commands wrote to standard error. */
  get said(): string {
    return this.#said()
  }

  #spawn(command: string): ChildProcess {
    const child = spawnGroup('/bin/sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#kept = `${this.#kept}${text}`.slice(-2000)
    })
    return child
  }

  #said(): string {
    const lines = this.#kept.trim().split('\n').slice(-3).join(' / ')
    return lines === '' ? '' : `: ${lines}`
  }

  async #end(): Promise<void> {
    const child = this.#running
    this.#running = undefined
    if (child !== undefined) await endGroup(child, { graceMs: 2000 })
  }
}
