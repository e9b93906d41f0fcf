/**
 * Code shown in documentation is code that exists: a fence after `<!-- file: path -->` is that file, to the letter.
 * `UPDATE_DOCS=1 npx vitest run test/documents.test.ts` writes the files' text into the fences.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const marked = /<!-- file: (\S+) -->\n```(\w*)\n([\s\S]*?)```/g

async function documents(): Promise<string[]> {
  const found = ['README.md', 'AGENTS.md', 'CHANGELOG.md'].map((name) => join(root, name))
  for (const folder of ['docs', 'packages', 'examples']) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile() && entry.name.endsWith('.md') && !path.includes('node_modules')) found.push(path)
    }
  }
  return found
}

test('code in documents is the text of the file it names', async () => {
  let seen = 0
  const stale: string[] = []
  for (const path of await documents()) {
    const text = await readFile(path, 'utf8')
    let updated = text
    for (const [whole, file = '', language, code] of text.matchAll(marked)) {
      seen++
      const source = await readFile(join(root, file), 'utf8')
      updated = updated.replace(whole, () => `<!-- file: ${file} -->\n\`\`\`${language}\n${source}\`\`\``)
      if (code !== source) stale.push(`${relative(root, path)} shows ${file}`)
    }
    if (updated !== text && process.env['UPDATE_DOCS'] !== undefined) await writeFile(path, updated)
  }
  expect(seen).toBeGreaterThan(1)
  expect(stale).toEqual([])
})

test('links between documents lead somewhere', async () => {
  let seen = 0
  const broken: string[] = []
  for (const path of await documents()) {
    const text = (await readFile(path, 'utf8')).replaceAll(/```[\s\S]*?```/g, '')
    for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      seen++
      const there = await readdir(join(dirname(path), target)).catch(() =>
        readFile(join(dirname(path), target)).catch(() => null),
      )
      if (there === null) broken.push(`${relative(root, path)}: ${target}`)
    }
  }
  expect(seen).toBeGreaterThan(3)
  expect(broken).toEqual([])
})

test('no path of a developer’s machine stands in a document', async () => {
  for (const path of await documents()) {
    expect(relative(root, path) + (await readFile(path, 'utf8'))).not.toMatch(/(?<![\w.])\/(work|root|home)\//)
  }
})
