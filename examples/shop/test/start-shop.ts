/** Starts the shop as a user does, in a temporary folder of its own, and sees what it leaves behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const START = fileURLToPath(new URL('../src/start.ts', import.meta.url))
/** Everything a run starts has this folder in its environment or among its arguments. */
export const folder = join(tmpdir(), `shop-test-${process.pid}`)
mkdirSync(folder)
chmodSync(folder, 0o755) // Postgres may run as somebody else
afterAll(() => rmSync(folder, { recursive: true }))

export interface Ended {
  code: number | null
  output: string
  errors: string
}

/** `meanwhile` sees what has been printed so far whenever there is more of it. */
export function start(
  args: readonly string[],
  env: Record<string, string> = {},
  meanwhile: (child: ChildProcess, output: string) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=spandrel-source', START, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    meanwhile(child, output)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output, errors })))
}

/** Processes that were started for the shop and are still there. */
export function left(): string[] {
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8')
    } catch {
      return '' // gone, or not ours
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => `${read(pid, 'environ')}${read(pid, 'cmdline')}`.includes(folder))
    .map((pid) => read(pid, 'cmdline').replaceAll('\0', ' '))
}

/** What was written into the temporary folder and is still there, the report aside. */
export function files(): string[] {
  return readdirSync(folder).filter((name) => name !== 'report.json')
}
