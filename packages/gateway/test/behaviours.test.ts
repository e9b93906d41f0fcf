/**
 * docs/gateway-behaviours.md lists what the gateway does as a proxy: one line a test, written from the names of the
 * tests. `UPDATE_DOCS=1 npx vitest run packages/gateway/test/behaviours.test.ts` writes it.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const page = fileURLToPath(new URL('../../../docs/gateway-behaviours.md', import.meta.url))
const folder = fileURLToPath(new URL('behaviours', import.meta.url))
const source = fileURLToPath(new URL('../src', import.meta.url))

/** What stood beside the code before there was a list: one behaviour a test, too. */
const older = ['drain', 'proxy/disconnect', 'proxy/failures', 'proxy/forwarding']

/** `test('name'`, and the functions of one file that make a test from a name; `// from …` above says who met it first. */
const declared = /^(?:\/\/ from (.+)\n)?(?:test|[a-z]\w*)\(\s*'((?:[^'\\\n]|\\.)+)',\s/gm

test('every behaviour has a test, and its line in the list', async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.test.ts')).sort()
  const paths = [...files.map((name) => join(folder, name)), ...older.map((name) => join(source, `${name}.test.ts`))]
  let count = 0
  const sections: string[] = []
  for (const path of paths) {
    const name = basename(path).replace(/(?:\.long)?\.test\.ts$/, '')
    const rows: string[] = []
    for (const [, from = '', behaviour = ''] of (await readFile(path, 'utf8')).matchAll(declared)) {
      rows.push(`| ${behaviour.replaceAll("\\'", '’').replaceAll('|', '\\|')} | ${from} |`)
    }
    if (rows.length === 0) throw new Error(`${path} has no test that the list can find`)
    count += rows.length
    const title = name.replaceAll('-', ' ')
    sections.push(
      `## ${title[0]?.toUpperCase()}${title.slice(1)}\n\n| behaviour | others met it in |\n|---|---|\n${rows.join('\n')}\n`,
    )
  }
  expect(count).toBeGreaterThanOrEqual(60)
  const text = (await readFile(page, 'utf8')).replace(
    /<!-- list:begin -->[^]*<!-- list:end -->/,
    () => `<!-- list:begin -->\n\n${count} behaviours.\n\n${sections.join('\n')}\n<!-- list:end -->`,
  )
  if (process.env['UPDATE_DOCS'] !== undefined) await writeFile(page, text)
  expect(await readFile(page, 'utf8')).toBe(text)
})
