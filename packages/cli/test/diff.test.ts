import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { spandrel } from './spandrel.ts'

const fixtures = fileURLToPath(new URL('../../contract/src/diff/fixtures', import.meta.url))

test('two documents: what breaks, where, and the version that asks for', async () => {
  const { code, stdout, stderr } = await spandrel(['diff', 'base.yaml', 'revision.yaml'], {
    cwd: `${fixtures}/parameter-became-required`,
  })
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(stdout).toContain('revision.yaml:8:11  breaking  parameter-became-required  GET /orders: the query parameter')
  expect(stdout).toContain('1.0.0 → 1.0.0 is not enough: 2.0.0 at least')
})

test('what is no file, folder or revision could not be compared', async () => {
  const { code, stderr } = await spandrel(['diff', 'nothing', 'base.yaml'], { cwd: `${fixtures}/parameter-added` })
  expect(code).toBe(2)
  expect(stderr).toContain('there is no file, folder or git revision nothing')
})
