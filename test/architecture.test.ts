/**
 * The layers of AGENTS.md, held by reading every import of every source file.
 */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What each layer may import of ours. */
const allowed: Record<string, readonly string[]> = {
  '@spandrel/contract': [],
  '@spandrel/runtime': ['@spandrel/contract'],
  '@spandrel/gateway': ['@spandrel/contract', '@spandrel/runtime'],
  '@spandrel/verify': ['@spandrel/contract', '@spandrel/runtime'],
  spandrel: ['@spandrel/contract', '@spandrel/runtime', '@spandrel/gateway', '@spandrel/verify'],
}
const folders: Record<string, string> = {
  '@spandrel/contract': 'packages/contract',
  '@spandrel/runtime': 'packages/runtime',
  '@spandrel/gateway': 'packages/gateway',
  '@spandrel/verify': 'packages/verify',
  spandrel: 'packages/cli',
}

interface Import {
  file: string
  specifier: string
}

async function importsOf(folder: string): Promise<{ files: number; imports: Import[] }> {
  const imports: Import[] = []
  let files = 0
  for (const entry of await readdir(join(root, folder, 'src'), { recursive: true, withFileTypes: true })) {
    // Tests may use the embedded server and neighbours; fixtures are not ours to judge.
    if (!entry.isFile() || !/\.(ts|mjs)$/.test(entry.name) || entry.name.endsWith('.test.ts')) continue
    const path = join(entry.parentPath, entry.name)
    if (path.includes(`${sep}fixtures${sep}`)) continue
    files++
    const source = (await readFile(path, 'utf8')).replaceAll(/\/\*[\s\S]*?\*\//g, '')
    for (const [, specifier] of source
      .matchAll(
        /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm,
      )
      .map((found) => [found[0], found[1] ?? found[2] ?? found[3]] as const)) {
      if (specifier !== undefined) imports.push({ file: path, specifier })
    }
  }
  return { files, imports }
}

/** Which of our packages a specifier reaches, or undefined where it is somebody else's. */
function reaches(found: Import): string | undefined {
  if (found.specifier.startsWith('.')) {
    const target = relative(root, resolve(dirname(found.file), found.specifier))
    return Object.keys(folders).find((name) => target.startsWith(`${folders[name]}${sep}`))
  }
  return Object.keys(folders).find((name) => found.specifier === name || found.specifier.startsWith(`${name}/`))
}

describe('imports point one way', () => {
  for (const [name, folder] of Object.entries(folders)) {
    test(`${name} imports only ${allowed[name]?.join(', ') || 'nothing of ours'}`, async () => {
      const { files, imports } = await importsOf(folder)
      expect(files, `${folder}/src has source files`).toBeGreaterThan(3)
      expect(imports.length, `${folder}/src has imports`).toBeGreaterThan(3)
      const wrong = imports
        .map((found) => ({ ...found, target: reaches(found) }))
        .filter(({ target }) => target !== undefined && target !== name && !allowed[name]?.includes(target))
        .map(({ file, specifier }) => `${relative(root, file)} imports ${specifier}`)
      expect(wrong).toEqual([])
      console.log(`${name}: ${imports.length} imports in ${files} files`)
    })
  }

  test('the runtime has no dependencies: a service installs it alone', async () => {
    const { imports } = await importsOf('packages/runtime')
    const outside = imports
      .filter(
        ({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:') && !specifier.startsWith('#'),
      )
      // The Kysely adapter is a subpath of its own; whoever imports it has Kysely.
      .filter(({ file }) => !file.includes(join('database', 'kysely')) && !file.endsWith('conformance.ts'))
      // The driver of a postgres:// URL is an optional peer, loaded when such a URL is opened.
      .filter(({ file, specifier }) => !(file.endsWith(join('transport', 'open.ts')) && specifier === 'pg'))
      // Types are erased.
      .map(({ file, specifier }) => `${relative(root, file)} imports ${specifier}`)
    const manifest = JSON.parse(await readFile(join(root, 'packages/runtime/package.json'), 'utf8'))
    expect(Object.keys(manifest.dependencies ?? {})).toEqual([])
    expect(outside).toEqual([])
  })

  test('contract has no network and no database', async () => {
    const { imports } = await importsOf('packages/contract')
    const banned = imports.filter(({ specifier }) => /^(node:(http|https|net|tls|dgram)|pg|undici)$/.test(specifier))
    expect(banned.map(({ file, specifier }) => `${relative(root, file)} imports ${specifier}`)).toEqual([])
  })
})

test('every source file is under 500 lines', async () => {
  let seen = 0
  const long: string[] = []
  for (const folder of [...Object.values(folders).map((name) => `${name}/src`), 'examples/shop', 'test']) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.contract.ts')) continue
      const path = join(entry.parentPath, entry.name)
      if (path.includes('node_modules')) continue
      seen++
      const lines = (await readFile(path, 'utf8')).split('\n').length
      if (lines > 500) long.push(`${relative(root, path)}: ${lines}`)
    }
  }
  expect(seen).toBeGreaterThan(20)
  expect(long).toEqual([])
})
