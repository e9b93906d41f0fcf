/** Tells a process from a later one that was given the same id. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/**
 * A text that stays the same while this process lives and that no later process with its id has: on Linux the boot
 * and the tick it started at, elsewhere its start as `ps` prints it. Undefined where there is no such process.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
    if (stat === undefined) return undefined
    // The second field is the program's name in parentheses and may hold anything; the rest has no parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended: only its parent has not looked yet.
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
    return `${boot.trim()}/${fields[19]}`
  }
  const started = await ps(pid, 'lstart=')
  return started === '' ? undefined : started
}

/** The command line of a process, empty where there is none or it may not be read. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform !== 'linux') return ps(pid, 'command=')
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text.replaceAll('\0', ' ').trim()
}

function ps(pid: number, column: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      'ps',
      ['-o', column, '-p', String(pid)],
      { env: { PATH: process.env['PATH'], LC_ALL: 'C' } },
      (error, stdout) => resolve(error === null ? stdout.trim() : ''),
    )
  })
}
