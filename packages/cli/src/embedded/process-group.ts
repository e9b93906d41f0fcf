/**
 * Child processes that never outlive their starter: each is the leader of its own group, and a guardian process ends
 * every group when the starter is gone, also when it was killed with SIGKILL. Then it removes the starter's temporary
 * directories.
 */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

let guardian: ChildProcess | undefined
/** What a guardian has to know, so that a second one can be told everything if the first was killed. */
const guarded = new Map<number, NodeJS.Signals>()
const directories = new Set<string>()

function awake(): ChildProcess {
  if (guardian !== undefined && guardian.exitCode === null && guardian.signalCode === null) return guardian
  // One that replaces another is born with what it has to know: a write after its birth could come too late.
  const known = [
    ...[...guarded].map(([pgid, signal]) => `+${pgid} ${signal}`),
    ...[...directories].map((path) => `/${encodeURIComponent(path)}`),
  ]
  const born = spawn(process.execPath, [fileURLToPath(new URL('guardian.mjs', import.meta.url)), ...known], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: process.env['PATH'] },
  })
  guardian = born
  born.unref()
  ;(born.stdin as unknown as { unref(): void }).unref()
  born.stdin?.on('error', () => {})
  born.once('exit', () => {
    if ((guarded.size > 0 || directories.size > 0) && guardian === born) awake()
  })
  return born
}

export interface GroupOptions extends Omit<SpawnOptions, 'detached'> {
  /** the polite signal the guardian sends; SIGTERM by default (Postgres: SIGINT is its fast shutdown) */
  endWith?: NodeJS.Signals
}

/** Starts a command as the leader of its own process group, under the guardian. */
export function spawnGroup(command: string, args: readonly string[], options: GroupOptions = {}): ChildProcess {
  const { endWith = 'SIGTERM', ...rest } = options
  // First, so that the time in which this process could die with an unknown child is as short as one write.
  awake()
  const child = spawn(command, [...args], { ...rest, detached: true })
  const pid = child.pid
  if (pid !== undefined) {
    guarded.set(pid, endWith)
    awake().stdin?.write(`+${pid} ${endWith}\n`)
    child.once('exit', () => {
      guarded.delete(pid)
      awake().stdin?.write(`-${pid}\n`)
    })
  }
  return child
}

/**
 * Runs a command to its end, in a group of its own: Ctrl-C in our terminal is ours to answer, not its. Resolves with what
 * it wrote to standard output; rejects with an error that has `stdout` and `stderr`.
 */
export async function runGroup(command: string, args: readonly string[], options: GroupOptions = {}): Promise<string> {
  const child = spawnGroup(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => resolve(status ?? signal))
  })
  if (code === 0) return stdout
  throw Object.assign(new Error(`${command} ended with ${code}`), { stdout, stderr })
}

/** Has a directory removed when this process is gone and its groups have ended. The result forgets the directory. */
export function guardDirectory(path: string): () => void {
  directories.add(path)
  awake().stdin?.write(`/${encodeURIComponent(path)}\n`)
  return () => {
    if (directories.delete(path)) awake().stdin?.write(`!${encodeURIComponent(path)}\n`)
  }
}

/** Sends a signal to the whole group of a child; false where nothing of it is left. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false
  try {
    return process.kill(-child.pid, signal)
  } catch {
    return false
  }
}

/**
 * Ends a group: politely first, with SIGKILL after `graceMs` (5 s by default). Resolves when its leader is gone and
 * nothing of the rest runs any more: a shell may be gone long before the program it started has finished.
 */
export async function endGroup(
  child: ChildProcess,
  options: { signal?: NodeJS.Signals; graceMs?: number } = {},
): Promise<void> {
  if (child.pid === undefined) return
  const ended = child.exitCode !== null || child.signalCode !== null
  const gone = ended ? Promise.resolve() : new Promise<void>((resolve) => child.once('exit', () => resolve()))
  if (!signalGroup(child, options.signal ?? 'SIGTERM') && ended) return
  const deadline = Date.now() + (options.graceMs ?? 5000)
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), deadline - Date.now())
  await gone
  while (Date.now() < deadline && (await groupRuns(child.pid))) await new Promise((resolve) => setTimeout(resolve, 20))
  clearTimeout(timer)
  signalGroup(child, 'SIGKILL')
}

/** Whether anything of a group runs. What has ended and is not yet fetched by its parent counts for the system, not here. */
async function groupRuns(pgid: number): Promise<boolean> {
  try {
    process.kill(-pgid, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(group) === pgid && state !== 'Z' && state !== 'X') return true
  }
  return false
}
