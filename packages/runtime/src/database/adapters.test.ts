import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

/** What a library needs of us, and no more: whoever has another one writes as much. */
const lines = 70

test(`each adapter is under ${lines} lines`, async () => {
  const { exports } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    exports: Record<string, { 'spandrel-source'?: string }>
  }
  const files = Object.values(exports)
    .map((entry) => entry['spandrel-source'] ?? '')
    .filter((file) => file.startsWith('./src/database/'))
  const counted = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8')
      return [file, text.trimEnd().split('\n').length] as const
    }),
  )
  console.log(`adapters: ${counted.map(([file, count]) => `${file} ${count}`).join(', ')}`)
  expect(counted.length).toBeGreaterThanOrEqual(6)
  expect(counted.filter(([, count]) => count >= lines)).toEqual([])
})
