/** The sample of docs/compatibility.md prints what the page says it prints. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const folder = new URL('../docs/samples/compatibility/', import.meta.url)

test('the sample of the compatibility page', async () => {
  const sample = fileURLToPath(new URL('orders.ts', folder))
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=spandrel-source', sample])
  expect(stdout).toBe(await readFile(new URL('orders.txt', folder), 'utf8'))
})
