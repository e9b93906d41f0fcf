import { readdir } from 'node:fs/promises'
import { relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../model/finding.ts'
import { checkFixture, fixtures, readFixture } from './fixture.ts'
import { rules } from './table.ts'

/** Found while the system is read: then there is no system to apply other rules to. */
const stops = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(({ id, severity }) => severity === 'error' && !rules.some((rule) => rule.id === id))

describe('laws', () => {
  test.each(rules.map((rule) => [`${rule.id}: ${rule.law}`, rule] as const))('%s', async (_name, rule) => {
    const bad = await readFixture(rule.id, 'bad')
    const found = await checkFixture(bad)
    const own = found.findings.filter(({ id }) => id === rule.id)
    const shown = own.map(({ file, line, column }) => `${relative(found.dir, file)}:${line}:${column}`)
    expect(shown, `found: ${JSON.stringify(found.findings, null, 1)}`).toEqual(bad.marks)
    expect(bad.marks.length).toBeGreaterThan(0)
    expect(stops(found.findings)).toEqual([])
    for (const { severity, message, suggestion } of own) {
      expect(severity).toBe(rule.severity)
      expect(`${message} ${suggestion}`).not.toMatch(/undefined|\[object|NaN/)
    }

    const good = await readFixture(rule.id, 'good')
    const { system, findings } = await checkFixture(good)
    expect(findings.filter(({ id }) => id === rule.id)).toEqual([])
    expect(stops(findings)).toEqual([])
    expect(system, `found: ${JSON.stringify(findings)}`).toBeDefined()
    expect(good.marks).toEqual([])
  })
})

describe('the table', () => {
  test('has a fixture pair for each rule, and a rule for each pair', async () => {
    const folders = await readdir(fixtures)
    expect(folders.toSorted()).toEqual(rules.map(({ id }) => id).toSorted())
    for (const folder of folders)
      expect((await readdir(`${fixtures}/${folder}`)).toSorted()).toEqual(['bad.txt', 'good.txt'])
  })

  test('says everything of each rule, in sentences', () => {
    expect(rules.length).toBeGreaterThan(30)
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
    for (const { id, law, why, fix, formats } of rules) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/)
      expect(law).toMatch(/^\S.*[^.]$/)
      expect(why).toMatch(/\.$/)
      expect(fix).toMatch(/[^.]$/)
      expect(formats.length).toBeGreaterThan(0)
    }
  })
})
