/** Starts, kills and freezes replicas of the sink; see sink-process.ts. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endGroup, signalGroup, spawnGroup } from '../../cli/src/embedded/index.ts'
import type { Sink } from './sink-process.ts'

export interface SinkProcess {
  readonly child: ChildProcess
  /** faults of this process that fired, as `<point> <action>` */
  fired(): string[]
  exited: Promise<number | NodeJS.Signals | null>
  signal(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

export class Sinks {
  readonly #directory: Promise<string>
  readonly #started: SinkProcess[] = []

  constructor() {
    this.#directory = mkdtemp(join(tmpdir(), 'spandrel-sinks-'))
  }

  async file(name: string): Promise<string> {
    return join(await this.#directory, name)
  }

  /** Resolves when its consumer is running. */
  async start(sink: Sink, faults?: string, mutant?: string): Promise<SinkProcess> {
    const log = await this.file(`faults-${this.#started.length}`)
    const child = spawnGroup(
      process.execPath,
      [
        '--conditions=spandrel-test',
        '--conditions=spandrel-source',
        '--no-warnings',
        fileURLToPath(new URL('sink-process.ts', import.meta.url)),
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          PATH: process.env['PATH'],
          NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
          SINK: JSON.stringify(sink),
          ...(faults !== undefined && { SPANDREL_FAULTS: faults, SPANDREL_FAULT_LOG: log }),
          ...(mutant !== undefined && { SPANDREL_MUTANT: mutant }),
          ...(process.env['SPANDREL_TEST_LOG'] !== undefined && { SPANDREL_TEST_LOG: '1' }),
        },
      },
    )
    const exited = new Promise<number | NodeJS.Signals | null>((resolve) =>
      child.once('exit', (code, signal) => resolve(signal ?? code)),
    )
    const process_: SinkProcess = {
      child,
      exited,
      fired: () =>
        existsSync(log)
          ? readFileSync(log, 'utf8')
              .trim()
              .split('\n')
              .map((line) => line.split(' ').slice(1).join(' '))
          : [],
      signal: (signal) => void signalGroup(child, signal),
      stop: () => endGroup(child, { graceMs: 8000 }),
    }
    this.#started.push(process_)
    const running = new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()))
    // It may be killed before it says so: that is for the test to judge.
    await Promise.race([running, exited])
    return process_
  }

  async close(): Promise<void> {
    for (const { child } of this.#started) {
      signalGroup(child, 'SIGKILL')
      signalGroup(child, 'SIGCONT')
    }
    await Promise.all(this.#started.map(({ exited }) => exited))
    await rm(await this.#directory, { recursive: true, force: true })
  }
}
