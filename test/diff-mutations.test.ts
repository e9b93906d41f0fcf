/** The 60 changes of docs/diff-comparison.md, ours alone: what breaks follows from the direction. */
import { type Files, type Side, diffSystems, loadSide } from '@spandrel/contract'
import { expect, test } from 'vitest'
import { mutations } from '../bench/diff/mutations.ts'

function load(document: unknown): Side {
  const bytes = new TextEncoder().encode(JSON.stringify(document))
  const only = (file: string): void => {
    if (file !== '/contract.json') throw Object.assign(new Error(file), { code: 'ENOENT' })
  }
  const files: Files = {
    stat(file) {
      only(file)
      return { size: bytes.length, isFile: () => true }
    },
    read(file) {
      only(file)
      return bytes
    },
  }
  const side = loadSide({ documents: [{ name: 'orders', file: '/contract.json' }] }, { files })
  if (side.system === undefined) throw new Error(JSON.stringify(side.findings))
  return side
}

test('each of the 60 changes breaks exactly where variance says', () => {
  expect(mutations).toHaveLength(60)
  const wrong = mutations.filter(({ base, revision, breaks }) => {
    const { findings } = diffSystems(load(base), load(revision))
    return findings.some(({ level }) => level === 'breaking') !== breaks
  })
  expect(wrong.map(({ group, name }) => `${group}: ${name}`)).toEqual([])
  const unsaid = mutations.filter(({ base, revision, group }) => {
    const { findings } = diffSystems(load(base), load(revision))
    return group === 'guarantee' && findings.length === 0
  })
  expect(unsaid).toEqual([])
})
