/** The audit is not blind: `npm run prove:shop` does this with every mutant, and longer. */
import { expect, it } from 'vitest'
import { LAWS } from '../src/audit/audit.ts'
import type { Report } from '../src/report.ts'
import { start } from './start-shop.ts'

it('names the broken law where a guarantee is off, and exits 1', { timeout: 180_000 }, async () => {
  const ended = await start(['--for', '5s', '--chaos', '--seed', '7', '--json'], { SPANDREL_MUTANT: 'keys-off' })
  expect(ended).toMatchObject({ code: 1 })
  const document = JSON.parse(ended.output) as Report
  expect(document.laws[LAWS[4]]).toMatch(/^broken: /)
})
