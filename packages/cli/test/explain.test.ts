import { tmpdir } from 'node:os'
import { diffRules, rules, structureFaults } from '@spandrel/contract'
import { checks, messageChecks } from '@spandrel/verify'
import { expect, test } from 'vitest'
import { spandrel } from './spandrel.ts'

const explain = (...args: string[]) => spandrel(['explain', ...args], { cwd: tmpdir() })

test('every id that a finding can have is explained, and means one thing', async () => {
  const { code, stdout } = await explain('--json')
  expect(code).toBe(0)
  const listed = (JSON.parse(stdout) as { id: string; law: string }[]).map(({ id }) => id)
  const wanted = [
    ...rules.map(({ id }) => id),
    ...Object.keys(diffRules),
    ...[...checks, ...messageChecks].map(({ id }) => id),
    ...Object.keys(structureFaults),
  ]
  expect(wanted.length).toBeGreaterThan(200)
  expect([...listed].sort()).toEqual([...wanted].sort())
  expect(listed.filter((id, index) => listed.indexOf(id) !== index)).toEqual([])
})

test('a kind of change: what it means, why, and what to do instead', async () => {
  const { code, stdout } = await explain('received-schema-narrowed')
  expect(code).toBe(0)
  expect(stdout).toContain('diff · breaking · schema')
  expect(stdout).toContain('fix    Accept what was accepted before')
})

test('a check of verify', async () => {
  expect((await explain('simultaneous')).stdout).toContain('verify · idempotency\n\nCopies that arrive at once')
})

test('an unknown id: the nearest one, of any kind', async () => {
  for (const [wrong, right] of [
    ['sync-chian', 'sync-chain'],
    ['recieved-schema-narrowed', 'received-schema-narrowed'],
    ['simultanous', 'simultaneous'],
  ] as const) {
    const { code, stderr } = await explain(wrong)
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `error  there is no rule, change or check ${wrong}\n  fix    did you mean ${right}?\n`,
    })
  }
})
