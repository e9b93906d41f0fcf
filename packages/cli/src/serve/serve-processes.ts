/**
 * `spandrel serve all`: the gateway and the carriers as two processes under this one, so that neither can take the other
 * down with it unseen. Signals are passed on. Where one ends by itself the other is stopped, and whoever started us
 * starts everything again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { ExitCode } from '../program.ts'

/** In a child: where the process above is killed, this one ends in order. Nobody would ever stop it, and its ports are taken. */
export function endWithParent(): void {
  if (process.channel === undefined || process.channel === null) return
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // It keeps nothing running.
  process.channel.unref()
}

/** `commands`: the arguments after `spandrel`, of each process. Resolves with the worst of their exit codes. */
export async function serveProcesses(commands: readonly (readonly string[])[]): Promise<ExitCode> {
  const main = process.argv[1] ?? ''
  const children: ChildProcess[] = commands.map((args) =>
    spawn(process.execPath, [...process.execArgv, main, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  )
  const tell = (signal: NodeJS.Signals): void => {
    for (const child of children) child.kill(signal)
  }
  let asked = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      asked = true
      tell(signal)
    })
  }
  process.on('SIGHUP', () => tell('SIGHUP'))
  const codes = await Promise.all(
    children.map(
      (child) =>
        new Promise<number>((resolve) => {
          child.once('error', () => resolve(2))
          child.once('exit', (code) => {
            if (!asked) tell('SIGTERM')
            // One that ends by itself has failed, whatever it says.
            resolve(code === null || (code === 0 && !asked) ? 1 : code)
            asked = true
          })
        }),
    ),
  )
  return Math.max(...codes) as ExitCode
}
