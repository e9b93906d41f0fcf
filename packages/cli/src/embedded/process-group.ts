/**
 * Child processes that never outlive their starter: each is the leader of its own group, and a guardian process ends
 * every group when the starter is gone, also when it was killed with SIGKILL.
 */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'

let guardian: ChildProcess | undefined

function tell(line: string): void {
  if (guardian === undefined || guardian.exitCode !== null) {
    guardian = spawn(process.execPath, [fileURLToPath(new URL('guardian.mjs', import.meta.url))], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { PATH: process.env['PATH'] },
    })
    guardian.unref()
    ;(guardian.stdin as unknown as { unref(): void }).unref()
    guardian.stdin?.on('error', () => {})
  }
  guardian.stdin?.write(`${line}\n`)
}

export interface GroupOptions extends Omit<SpawnOptions, 'detached'> {
  /** the polite signal the guardian sends; SIGTERM by default (Postgres: SIGINT is its fast shutdown) */
  endWith?: NodeJS.Signals
}

/** Starts a command as the leader of its own process group, under the guardian. */
export function spawnGroup(command: string, args: readonly string[], options: GroupOptions = {}): ChildProcess {
  const { endWith = 'SIGTERM', ...rest } = options
  const child = spawn(command, [...args], { ...rest, detached: true })
  const pid = child.pid
  if (pid !== undefined) {
    tell(`+${pid} ${endWith}`)
    child.once('exit', () => tell(`-${pid}`))
  }
  return child
}

/** Sends a signal to the whole group of a child; false where it is gone already. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): boolean {
  if (child.pid === undefined) return false
  try {
    return process.kill(-child.pid, signal)
  } catch {
    return false
  }
}

/** Ends a group: politely first, with SIGKILL after `graceMs` (5 s by default). Resolves when the leader is gone. */
export async function endGroup(child: ChildProcess, options: { signal?: NodeJS.Signals; graceMs?: number } = {}): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  signalGroup(child, options.signal ?? 'SIGTERM')
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), options.graceMs ?? 5000)
  await gone
  clearTimeout(timer)
}
