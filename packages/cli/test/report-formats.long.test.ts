import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { reportFormats } from '@spandrel/contract'
import { expect, test, vi } from 'vitest'
import { spandrel } from './spandrel.ts'

vi.setConfig({ testTimeout: 120_000 })

const cwd = fileURLToPath(new URL('fixtures/faults', import.meta.url))

test.each(reportFormats)(
  'check --format %s ends with 1 for findings, and says them on standard output',
  async (format) => {
    const { code, stdout, stderr } = await spandrel(['check', '--format', format], { cwd })
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toContain('unknown-value')
  },
)

test('the help and docs/cli.md name every format', async () => {
  const { stdout } = await spandrel(['check', '--help'], { cwd })
  const docs = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
  for (const format of reportFormats) {
    expect(stdout).toContain(`"${format}"`)
    expect(docs).toContain(`| \`${format}\` |`)
  }
})

test('two formats at once, or one that does not exist, could not run', async () => {
  const both = await spandrel(['check', '--json', '--format', 'sarif'], { cwd })
  expect(both.code).toBe(2)
  expect(both.stdout).toContain('cannot both be')
  const odd = await spandrel(['check', '--format', 'xml'], { cwd })
  expect(odd.code).toBe(2)
  expect(odd.stderr).toContain('human, json, sarif, github, junit')
})
