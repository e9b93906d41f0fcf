import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

test('error codes: the list, the page and what the code throws are the same', async () => {
  const declaration = await readFile(join(root, 'packages/runtime/src/errors.ts'), 'utf8')
  const [, union = ''] = /type ErrorCode =([\s\S]*?)\n\n/.exec(declaration) ?? []
  const listed = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code as string)

  const page = await readFile(join(root, 'docs/errors.md'), 'utf8')
  const documented = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code as string)

  const thrown = new Set<string>()
  let files = 0
  for (const folder of ['runtime', 'gateway', 'cli']) {
    for (const entry of await readdir(join(root, 'packages', folder, 'src'), {
      recursive: true,
      withFileTypes: true,
    })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue
      files++
      const text = await readFile(join(entry.parentPath, entry.name), 'utf8')
      for (const code of listed) if (entry.name !== 'errors.ts' && text.includes(`'${code}'`)) thrown.add(code)
    }
  }
  expect(files).toBeGreaterThan(20)
  expect(listed.length).toBeGreaterThan(10)
  expect(documented.toSorted()).toEqual(listed.toSorted())
  expect([...thrown].toSorted(), 'every listed code is thrown somewhere').toEqual(listed.toSorted())
})
