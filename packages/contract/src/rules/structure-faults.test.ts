import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { structureFaults } from './structure-faults.ts'
import { rules } from './table.ts'

test('every id that reading reports is explained, and no other', () => {
  const src = fileURLToPath(new URL('..', import.meta.url))
  const files = globSync(`${src}/**/*.ts`).filter((file) => !file.endsWith('.test.ts') && !file.includes('/rules/'))
  const ids = new Set<string>()
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    if (!text.includes('indings')) continue
    for (const [, id = ''] of text.matchAll(
      /(?:\.(?:error|warning|remark)|\])\(\s*(?:[^'`]|`[^`]*`|'[a-z]+'\))*?'([a-z]+(?:-[a-z]+)*)'/g,
    ))
      ids.add(id)
  }
  const ruled = new Set(rules.map(({ id }) => id))
  expect(files.length).toBeGreaterThan(50)
  expect(ids.size).toBeGreaterThan(50)
  const known = Object.keys(structureFaults)
  expect(
    [...ids].filter((id) => id.includes('-') && !id.startsWith('x-') && !known.includes(id) && !ruled.has(id)),
  ).toEqual([])
  const all = files.map((file) => readFileSync(file, 'utf8')).join('\n')
  expect(known.filter((id) => !all.includes(`'${id}'`))).toEqual([])
  expect(known.filter((id) => ruled.has(id))).toEqual([])
})
