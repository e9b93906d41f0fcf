import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { diffSystems } from './diff-systems.ts'
import type { Side, SideInput } from './load-side.ts'
import { loadSide } from './load-side.ts'
import type { DiffFinding } from './model.ts'
import { diffRules } from './rules.ts'

/** Table = fixtures = laws: each rule has a pair of documents in which it, and nothing else, is found. */

const folder = fileURLToPath(new URL('fixtures', import.meta.url))
const today = new Date('2026-11-22')

const sides = new Map<string, Side>()

/** Each side once: it is compared with itself, too. */
function load(id: string, side: 'base' | 'revision'): Side {
  const known = sides.get(`${id}/${side}`)
  if (known !== undefined) return known
  const system = `${folder}/${id}/${side}/spandrel.yaml`
  const input: SideInput = existsSync(system)
    ? { system }
    : { documents: [{ name: 'orders', file: `${folder}/${id}/${side}.yaml` }] }
  const read = loadSide(input)
  if (read.system !== undefined) {
    sides.set(`${id}/${side}`, read)
    return read
  }
  throw new Error(JSON.stringify(read.findings, undefined, 2))
}

function compare(id: string, from: 'base' | 'revision', to: 'base' | 'revision'): readonly DiffFinding[] {
  return diffSystems(load(id, from), load(id, to), { today }).findings
}

/** What is as bad, or as good, the other way round. */
const bothWays = /-(changed|moved|renamed|not-decided)$/

/** What cannot be without another: a message that is refused was also accepted by the old schema. */
const together: Readonly<Record<string, string>> = { 'stored-messages-unreadable': 'breaking received-schema-narrowed' }

test.each(Object.entries(diffRules).map(([id, rule]) => ({ id, law: rule.law, rule })))('$id: $law', ({ id, rule }) => {
  const findings = compare(id, 'base', 'revision')
  const found = findings.map((one) => `${one.level} ${one.id}`).filter((one) => one !== together[id])
  expect(found).toEqual([`${rule.level} ${id}`])
  const finding = findings.find((one) => one.id === id)
  expect(finding?.message).not.toMatch(/undefined|\[object/)
  expect(finding?.line).toBeGreaterThan(0)
  const back = bothWays.test(id) ? [] : compare(id, 'revision', 'base').map((one) => one.id)
  expect(back).not.toContain(id)
})

test('every fixture belongs to a rule of the table, and finds nothing in itself', () => {
  const all = readdirSync(folder)
  expect(all.length).toBeGreaterThan(40)
  expect(all.filter((id) => !(id in diffRules))).toEqual([])
  const noise = all.flatMap((id) => [...compare(id, 'base', 'base'), ...compare(id, 'revision', 'revision')])
  expect(noise).toEqual([])
})
