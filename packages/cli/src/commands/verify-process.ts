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

export class CommandedService implements ProcessControl {
  readonly #commands: ServiceCommands
  #running: ChildProcess | undefined
  #kept = ''

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
    const child = this.#spawn(kill)
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code === 0) return
    throw new CommandError(`\`${kill}\` ended with ${code ?? 'a signal'}${this.#said()}`, {
      where: '--kill',
      fix: 'it must end the service at once and succeed: docker kill NAME, or leave --kill out where --start keeps running',
    })
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    await this.#end()
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
