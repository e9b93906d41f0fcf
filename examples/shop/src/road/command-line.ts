import { fileURLToPath } from 'node:url'
import { runGroup } from 'spandrel/embedded'

const MAIN = fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url))
const CONFIG = fileURLToPath(new URL('../../spandrel.yaml', import.meta.url))

/** Spandrel's command line on the shop's own spandrel.yaml. Resolves with what it printed; rejects with what it said. */
export async function spandrel(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  try {
    return await runGroup(process.execPath, ['--conditions=spandrel-source', MAIN, ...args, '--config', CONFIG], {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    })
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    throw new Error(`spandrel ${args.join(' ')} failed:\n${stderr}${stdout}`, { cause: error })
  }
}
