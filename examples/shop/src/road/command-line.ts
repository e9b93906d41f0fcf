import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

const MAIN = fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url))
const CONFIG = fileURLToPath(new URL('../../spandrel.yaml', import.meta.url))

/** Spandrel's command line on the shop's own spandrel.yaml. Resolves with what it printed; rejects with what it said. */
export async function spandrel(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  try {
    const { stdout } = await run(
      process.execPath,
      ['--conditions=spandrel-source', MAIN, ...args, '--config', CONFIG],
      {
        env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
        maxBuffer: 16 * 1024 * 1024,
      },
    )
    return stdout
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    throw new Error(`spandrel ${args.join(' ')} failed:\n${stderr}${stdout}`, { cause: error })
  }
}
