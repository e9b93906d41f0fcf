/** The packages as they would be published, packed once in a run of vitest, whichever file asks first. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A build begins by removing `dist`: there may be only one. The run says where (postgres.ts), and removes it. */
export async function tarballs(): Promise<string[]> {
  const folder = join(process.env['SPANDREL_TEST_SCRATCH'] ?? '', 'tarballs')
  const [packed, failed, done] = ['packed', 'failed', 'done'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const first = await mkdir(folder).then(
    () => true,
    () => false,
  )
  if (first) {
    const environment = { ...process.env, NODE_ENV: '', VITEST: '' }
    const options = { cwd: root, env: environment, maxBuffer: 10_000_000 }
    await promisify(execFile)(process.execPath, ['build.ts', '--pack', packed], options).catch(
      async (error: unknown) => {
        await writeFile(failed, String(error))
        throw error
      },
    )
    await writeFile(done, '')
  }
  while (!existsSync(done)) {
    if (existsSync(failed)) throw new Error('the packages could not be built; see the other file that wants them')
    await pause(200)
  }
  return (await readdir(packed)).map((name) => join(packed, name))
}
