import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FolderWatch } from '../src/dev/watch-folder.ts'
import { until } from './waiting.ts'

let folder: string
let watch: FolderWatch
const calls: string[][] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spandrel-watch-'))
  await mkdir(join(folder, 'src/deep'), { recursive: true })
  await mkdir(join(folder, 'node_modules/x'), { recursive: true })
  await writeFile(join(folder, 'src/a.ts'), '1')
  calls.length = 0
  watch = await FolderWatch.open([folder], {
    changed: (files) => calls.push(files.map((file) => relative(folder, file))),
    failed: (error) => {
      throw error
    },
    calmMs: 60,
  })
})
afterEach(async () => {
  watch.close()
  await rm(folder, { recursive: true, force: true })
})

test('changes that come together are told once', async () => {
  for (let n = 0; n < 20; n++) await writeFile(join(folder, 'src/a.ts'), String(n))
  await writeFile(join(folder, 'src/deep/b.ts'), '1')
  await until('the call', () => calls[0])
  expect(calls).toEqual([['src/a.ts', 'src/deep/b.ts']])
})

test('node_modules, logs and editors are passed over', async () => {
  for (const name of ['node_modules/x/index.js', 'out.log', '.a.ts.swp', 'src/a.ts~', '4913'])
    await writeFile(join(folder, name), '1')
  // Its own change is heard after theirs would have been.
  await writeFile(join(folder, 'src/a.ts'), '2')
  await until('the call', () => calls[0])
  expect(calls).toEqual([['src/a.ts']])
})

test('a new folder is watched, with what was in it at once; a removed file is a change', async () => {
  await mkdir(join(folder, 'elsewhere.tmp'))
  await writeFile(join(folder, 'elsewhere.tmp/c.ts'), '1')
  await rename(join(folder, 'elsewhere.tmp'), join(folder, 'new'))
  await until('the new folder', () => calls.flat().includes('new/c.ts'))
  calls.length = 0
  await writeFile(join(folder, 'new/c.ts'), '2')
  await until('a change in it', () => calls.flat().includes('new/c.ts'))
  calls.length = 0
  await rm(join(folder, 'src/a.ts'))
  await until('the removal', () => calls[0])
  expect(calls).toEqual([['src/a.ts']])
})

test('a temporary file that is gone again is no change; what it became is, and so is a file that is removed later', async () => {
  // What `sed -i` does.
  await writeFile(join(folder, 'src/sedFX99lf'), '2')
  await rename(join(folder, 'src/sedFX99lf'), join(folder, 'src/a.ts'))
  await until('the call', () => calls[0])
  expect(calls).toEqual([['src/a.ts']])
  calls.length = 0
  await writeFile(join(folder, 'src/late.ts'), '1')
  await until('the new file', () => calls[0])
  await rm(join(folder, 'src/late.ts'))
  await until('its removal', () => calls[1])
  expect(calls).toEqual([['src/late.ts'], ['src/late.ts']])
})

test('a closed watch is silent', async () => {
  watch.close()
  await writeFile(join(folder, 'src/a.ts'), '2')
  await using other = await other_(folder)
  await writeFile(join(folder, 'src/a.ts'), '3')
  await until('another watch to hear it', () => other.heard())
  expect(calls).toEqual([])
})

async function other_(watched: string): Promise<{ heard: () => boolean; [Symbol.asyncDispose]: () => Promise<void> }> {
  let heard = false
  const opened = await FolderWatch.open([watched], { changed: () => (heard = true), failed: () => {}, calmMs: 100 })
  return { heard: () => heard, [Symbol.asyncDispose]: async () => opened.close() }
}
