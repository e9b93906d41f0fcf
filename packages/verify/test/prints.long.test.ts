/**
 * Outcomes that are called back or replied: each defect of prints/bugs.ts is failed by the check named for it and by
 * nothing that is not true of it; correct services are failed by nothing.
 */
import { describe, expect, inject, test } from 'vitest'
import type { Bug } from './servers/bugs.ts'
import { failures } from './attack-server.ts'
import { attackPrints } from './prints/attack-prints.ts'
import { type PrintBug, printBugs } from './prints/bugs.ts'
import { type PrintTwin, printTwins } from './prints/twins.ts'

describe.concurrent('a defect is found, by name', () => {
  test.each(Object.entries<Bug>(printBugs))('%s', { timeout: 120_000 }, async (name, bug) => {
    const [operation = '', check = ''] = bug.failedBy.split('/')
    const given = { bug: name as PrintBug, only: [operation], check }
    const found = failures((await attackPrints(inject('postgres'), given)).report)
    expect(found).toContain(bug.failedBy)
    expect(found.filter((finding) => finding !== bug.failedBy && !bug.also?.includes(finding))).toEqual([])
  })
})

describe.concurrent('correct services', () => {
  test.each(Object.entries<PrintTwin>(printTwins))('%s', { timeout: 120_000 }, async (_, { attack, least }) => {
    const { report } = await attack(inject('postgres'))
    const checks = report.results.flatMap((result) => result.checks)
    expect(
      checks.filter(({ verdict }) => verdict !== 'PASS').map(({ finding, notes }) => `${finding}: ${notes.join('; ')}`),
    ).toEqual([])
    expect(failures(report)).toEqual([])
    expect(checks.length).toBeGreaterThanOrEqual(least)
    for (const ref of ['prints.askForPrint', 'prints.quotePrint'].slice(0, least > 15 ? 2 : 1))
      expect(report.results.find((one) => one.ref === ref && one.member === 'completion')?.verdict).toBe('PASS')
  })
})
