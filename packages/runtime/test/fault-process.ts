/** Processes of the test build with armed faults, and the log that says which of them fired. */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endGroup, spawnGroup } from '../../cli/src/embedded/index.ts'
import { until } from './outbox-rig.ts'

export interface FaultProcess {
  readonly child: ChildProcess
  /** what fired so far: `<pid> <name> <action>` */
  fired(): string[]
  /** resolves with the signal that ended it */
  ended: Promise<NodeJS.Signals | null>
  /** thaws a process that a fault has frozen */
  thaw(): void
  end(): Promise<void>
}

/** Starts a file beside this one; resolves when it says `ready`, or was killed before. The caller ends it. */
export async function startFaultProcess(file: string, env: Record<string, string>): Promise<FaultProcess> {
  const log = join(tmpdir(), `spandrel-faults-${randomUUID()}`)
  const child = spawnGroup(
    process.execPath,
    ['--conditions=spandrel-test', '--conditions=spandrel-source', fileURLToPath(new URL(file, import.meta.url))],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env, SPANDREL_FAULT_LOG: log } },
  )
  let output = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-4000)
  })
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)))
  const end = async (): Promise<void> => {
    child.kill('SIGCONT')
    await endGroup(child, { graceMs: 3000 })
    await rm(log, { force: true })
  }
  let ready = false
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('ready')) ready = true
  })
  await until(() => ready || child.exitCode !== null || child.signalCode !== null, 20_000, `${file} to be ready`)
  if (!ready && child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}:\n${output}`)
  return {
    child,
    fired: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []),
    ended,
    thaw: () => void child.kill('SIGCONT'),
    end,
  }
}
