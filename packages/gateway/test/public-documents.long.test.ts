/**
 * GitHub's OpenAPI documents, whole, as npm has them (too large for a dependency: they are packed into a temporary
 * folder). The gateway starts on each and answers each operation. Left out: the `.deref.json` copies beside them, which
 * say the same with every reference written out, in 63 to 78 MB; documents over 32 MiB are not read.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { askEveryOperation } from './every-operation.ts'
import { onCleanup } from './servers.ts'

const GITHUB = '@octokit/openapi@23.0.2'
const run = promisify(execFile)

test('GitHub: every operation of every document', { timeout: 300_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gateway-github-'))
  onCleanup(() => rm(dir, { recursive: true }))
  const { stdout } = await run('npm', ['pack', '--silent', GITHUB], { cwd: dir })
  await run('tar', ['xzf', stdout.trim(), '--exclude=*.deref.json'], { cwd: dir })
  const folder = join(dir, 'package/generated')
  const documents = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted()
  let operations = 0
  for (const name of documents) {
    const { declared, answered, faults, bodies, parameters } = await askEveryOperation(join(folder, name))
    const counts = `${answered.length} of ${declared.length} operations, ${bodies} bodies, ${parameters} parameters`
    console.log(`${GITHUB} ${name}: ${counts}`)
    expect(faults).toEqual([])
    expect(declared.filter((one) => !answered.includes(one))).toEqual([])
    operations += answered.length
  }
  console.log(`${GITHUB}: ${documents.length} documents, ${operations} operations answered`)
  expect(documents.length).toBe(5)
  expect(operations).toBeGreaterThan(5000)
})
