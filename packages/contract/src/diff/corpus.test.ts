import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { disk } from '../source/files.ts'
import type { Files } from '../source/files.ts'
import { diffSystems } from './diff-systems.ts'
import type { Side } from './load-side.ts'
import { loadSide } from './load-side.ts'

/** Real documents: nothing changes where nothing was changed, and one changed line is one change. */

const corpus = fileURLToPath(new URL('../../../../../shared/corpus', import.meta.url))

function documents(): string[] {
  if (!existsSync(corpus)) return []
  return readdirSync(corpus, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(openapi|asyncapi)\/.*\.(ya?ml|json)$/.test(name))
    .map((name) => join(corpus, name))
}

function load(file: string, files: Files = disk): Side | undefined {
  const side = loadSide({ documents: [{ name: 'api', file }] }, { files })
  return side.system === undefined ? undefined : side
}

/** The document with its text changed on the way from the disk. */
function edited(file: string, change: (text: string) => string): Files {
  const bytes = new TextEncoder().encode(change(readFileSync(file, 'utf8')))
  return {
    stat: (path) => (path === file ? { size: bytes.length, isFile: () => true } : disk.stat(path)),
    read: (path) => (path === file ? bytes : disk.read(path)),
  }
}

test.runIf(existsSync(corpus))(
  'a real document has no changes against itself, and a title is none',
  { timeout: 60_000 },
  () => {
    let [compared, schemas] = [0, 0]
    const noise: string[] = []
    for (const file of documents()) {
      const base = load(file)
      const revision = load(
        file,
        edited(file, (text) => text.replace(/^(\s*"?title"?: ?"?)(\w)/m, '$1A new $2')),
      )
      if (base === undefined || revision === undefined) continue
      compared++
      const { findings, looked } = diffSystems(base, revision)
      schemas += looked.schemas
      noise.push(...findings.map(({ id, message }) => `${file}: ${id} ${message}`))
    }
    console.log(`corpus: ${compared} documents, ${schemas} schemas compared`)
    expect(compared).toBeGreaterThan(20)
    expect(noise).toEqual([])
  },
)
