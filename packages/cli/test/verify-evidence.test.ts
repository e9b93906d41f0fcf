import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { evidenceCanBeWritten } from '../src/commands/verify-evidence.ts'

const folder = mkdtempSync(join(tmpdir(), 'spandrel-evidence-'))
const inside = (name: string): string => join(folder, name)
writeFileSync(inside('page.html'), 'the page of yesterday')
afterAll(() => rmSync(folder, { recursive: true }))

test('what can be written is left as it is; only the folder of the scripts is made', () => {
  evidenceCanBeWritten({ html: inside('page.html'), scripts: inside('a/b') })
  evidenceCanBeWritten({ html: inside('new.html'), scripts: inside('a/b') })
  evidenceCanBeWritten({ html: '/dev/stdout' })
  expect(readFileSync(inside('page.html'), 'utf8')).toBe('the page of yesterday')
  expect(new Set(readdirSync(folder, { recursive: true, encoding: 'utf8' }))).toEqual(
    new Set(['a', 'a/b', 'page.html']),
  )
})

test.each([
  [{ html: inside('nowhere/x.html') }, 'the page cannot be written: ENOENT'],
  [{ html: folder }, 'the page cannot be written: EISDIR'],
  [{ scripts: inside('page.html') }, 'the scripts cannot be written: ENOTDIR'],
  [{ scripts: inside('page.html/x') }, 'the scripts cannot be written: ENOTDIR'],
  // Node never comes back from making a folder there.
  [{ scripts: '/proc/spandrel/scripts' }, 'the scripts cannot be written: ENOENT'],
])('%j is refused', (options, what) => {
  expect(() => evidenceCanBeWritten(options)).toThrow(what)
})
