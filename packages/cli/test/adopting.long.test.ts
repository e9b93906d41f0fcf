/**
 * Follows docs/adopting.md as a new user does: an old repository, the files and changes of the page, its commands in their
 * order. UPDATE_DOCS=1 writes what they print into the page.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { spandrel } from './spandrel.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const samples = here('../../../docs/samples/adopting')
const page = here('../../../docs/adopting.md')
const part =
  /<!-- file: docs\/samples\/adopting\/(\S+) -->\n|```diff\n([\s\S]*?)```|```console\n\$ spandrel (.+)\n([\s\S]*?)```/g

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-adopting-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const git = (...args: string[]) =>
  promisify(execFile)('git', ['-c', 'user.name=ann', '-c', 'user.email=ann@example.org', ...args], { cwd: folder })

async function commit(what: string): Promise<void> {
  await git('add', '-A')
  await git('commit', '-qm', what)
}

test('docs/adopting.md: each step prints what the page shows', { timeout: 120_000 }, async () => {
  await mkdir(join(folder, 'api'))
  await git('init', '-qb', 'main')
  const text = await readFile(page, 'utf8')
  let updated = text
  const codes: (number | null)[] = []
  const said: string[] = []
  const shown: string[] = []
  for (const [whole, file, change, line = '', printed] of text.matchAll(part)) {
    if (file !== undefined) {
      // What was tried on the way here is taken back; what the page adds is kept, and is what `main` has.
      await git('checkout', '-q', '.').catch(() => undefined)
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await cp(join(samples, file), join(folder, file))
      if (file === 'spandrel.yaml') await cp(join(samples, 'web'), join(folder, 'web'), { recursive: true })
      await commit(file)
    } else if (change !== undefined) {
      await writeFile(join(folder, '.change'), change)
      await git('apply', '.change')
      await rm(join(folder, '.change'))
    } else {
      const { code, stdout, stderr } = await spandrel(line.split(' '), { cwd: folder })
      codes.push(code)
      said.push(stdout + stderr)
      shown.push(printed ?? '')
      updated = updated.replace(whole, () => `\`\`\`console\n$ spandrel ${line}\n${stdout}\`\`\``)
    }
  }
  if (process.env['UPDATE_DOCS'] !== undefined) await writeFile(page, updated)
  expect(process.env['UPDATE_DOCS'] === undefined ? said : shown).toEqual(shown)
  // check, diff, check, diff, check, impact, impact --down: as the page says they end
  expect(codes).toEqual([0, 1, 1, 1, 0, 0, 0])
})
