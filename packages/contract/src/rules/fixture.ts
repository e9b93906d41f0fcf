import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { LoadResult } from '../load/load-system.ts'
import { checkSystem } from '../load/load-system.ts'

/**
 * A fixture of a rule: several files in one, each below a line `# === path`. `▸` stands before the place of a finding,
 * and is not written.
 */
export interface Fixture {
  readonly files: ReadonlyMap<string, string>
  /** `orders.openapi.yaml:7:5` */
  readonly marks: readonly string[]
}

export const fixtures = fileURLToPath(new URL('../../test/fixtures/rules', import.meta.url))

/** Acknowledgements and ends of the fixtures are before or after it. */
const TODAY = '2026-11-22'

export async function readFixture(rule: string, kind: 'good' | 'bad'): Promise<Fixture> {
  const text = await readFile(join(fixtures, rule, `${kind}.txt`), 'utf8')
  const files = new Map<string, string>()
  const marks: string[] = []
  for (const part of text.split(/^# === /m).slice(1)) {
    const end = part.indexOf('\n')
    const path = part.slice(0, end)
    let content = part.slice(end + 1)
    for (let at = content.indexOf('▸'); at >= 0; at = content.indexOf('▸')) {
      const before = content.slice(0, at).split('\n')
      marks.push(`${path}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`)
      content = content.slice(0, at) + content.slice(at + 1)
    }
    files.set(path, content)
  }
  return { files, marks }
}

/** The findings of a fixture, written to a folder that goes when the test ends. */
export async function checkFixture({ files }: Fixture): Promise<LoadResult & { readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'spandrel-rule-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  for (const [path, content] of files) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), content)
  }
  return { dir, ...(await checkSystem(join(dir, 'spandrel.yaml'), { env: {}, today: TODAY })) }
}
