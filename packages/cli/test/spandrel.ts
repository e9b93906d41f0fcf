/** Runs the command line as a user does: a process of its own, from a folder, with an environment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const conditions = ['--conditions=spandrel-source']

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  cwd: string
  env?: Record<string, string | undefined>
}

export interface Running {
  child: ChildProcess
  /** everything it has written so far */
  text: { stdout: string; stderr: string }
  done: Promise<Ran>
}

/** Databases of the machine that runs the tests must not be found by accident. */
function environment(more: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env
  return { PATH, HOME, NODE_COMPILE_CACHE, ...(TMPDIR !== undefined && { TMPDIR }), TZ: 'UTC', ...more }
}

export function startSpandrel(args: readonly string[], options: RunOptions): Running {
  const child = spawn(process.execPath, [...conditions, main, ...args], {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk))
  const done = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...text }))
  })
  return { child, text, done }
}

export function spandrel(args: readonly string[], options: RunOptions): Promise<Ran> {
  return startSpandrel(args, options).done
}
