import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { checks } from '../src/checks/all.ts'
import { stimuli } from '../src/stimuli/all.ts'
import { checksTable, proofTable } from './checks-page.ts'
import type { Proof } from './prove.ts'
import { parcelBugs } from './parcels/bugs.ts'
import { type Bug, bugs } from './servers/bugs.ts'

const page = fileURLToPath(new URL('../../../docs/verify/checks.md', import.meta.url))

test('docs/verify/checks.md lists every check; `npm run prove:verify -- --page` writes it', async () => {
  expect(await readFile(page, 'utf8')).toContain(checksTable())
  expect(checks.length).toBeGreaterThan(20)
})

test('README.md has the short form of what was proved; `npm run prove:verify -- --page` writes it', async () => {
  const proof = JSON.parse(await readFile(new URL('proof.json', import.meta.url), 'utf8')) as Proof
  const text = await readFile(new URL('../../../README.md', import.meta.url), 'utf8')
  expect(text).toContain(proofTable(proof))
  expect(Object.keys(proof.defects).length).toBeGreaterThan(50)
})

test('every check is named by a defect that it finds, and every stimulus is judged', () => {
  const named = new Set(
    [...Object.values<Bug>(bugs), ...Object.values<Bug>(parcelBugs)].map(({ failedBy }) =>
      failedBy.slice(failedBy.indexOf('/') + 1),
    ),
  )
  expect(checks.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([])
  const judged = new Set(checks.flatMap((check) => check.stimuli))
  // `hung` is judged by what looks at every trial, what is `planted` by a later run.
  expect(stimuli.map(({ id }) => id).filter((id) => !judged.has(id))).toEqual(['planted', 'hung'])
})
