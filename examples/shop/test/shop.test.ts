/** The whole road, as a user starts it: `npm start -- …`, real processes, real kills, and the audit's verdict. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LAWS } from '../src/audit/audit.ts'
import type { Report } from '../src/report.ts'
import { files, folder, left, start } from './start-shop.ts'

describe('npm start', () => {
  it(
    'FM50: survives chaos, with its faults under load: nothing lost, nothing twice, every law kept',
    { timeout: 180_000 },
    async () => {
      const report = join(folder, 'report.json')
      const ended = await start(['--for', '10s', '--chaos', '--seed', '7', '--json', '--report', report])
      expect(ended).toMatchObject({ code: 0 })
      const document = JSON.parse(ended.output) as Report
      expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual(document)
      expect(Object.keys(document)).toEqual([
      'seed', 'seconds', 'orders', 'kills', 'killsInFlight', 'lost', 'doubled', 'ledgerDifference', 'held', 'laws',
    ]) // prettier-ignore
      expect(document).toMatchObject({ seed: 7, lost: 0, doubled: 0, ledgerDifference: 0 })
      expect(document.laws).toEqual(Object.fromEntries(Object.values(LAWS).map((law) => [law, 'kept'])))
      // The fault fired, and there was load: a quiet day would prove nothing.
      expect(document.orders.placed).toBeGreaterThan(10)
      expect(document.killsInFlight).toBeGreaterThanOrEqual(2)
      expect(document.held.length).toBeGreaterThan(0)
      expect(document.held.every(({ seeded }) => seeded)).toBe(true)
      expect(left()).toEqual([])
      expect(files()).toEqual([])
    },
  )

  it('refuses a report it could not write before it runs', async () => {
    const refused = await start(['--for', '30s', '--report', join(folder, 'nowhere', 'r.json')])
    expect(refused).toMatchObject({ code: 2, output: '', errors: expect.stringContaining('its folder does not exist') })
    expect(refused.errors).not.toContain('    at ')
  })

  it('explains itself, and refuses what it does not know', async () => {
    expect(await start(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('--naive'), errors: '' })
    const refused = await start(['--fro', '30s'])
    expect(refused).toMatchObject({ code: 2, output: '', errors: expect.stringContaining('--fro') })
    expect(refused.errors).not.toContain('    at ')
  })
})
