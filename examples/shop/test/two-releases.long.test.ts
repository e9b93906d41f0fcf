/** Two releases share one system: replicas of both, restarted as the other, under chaos; nothing lost, nothing twice. */
import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import type { Report } from '../src/report.ts'
import { left, start } from './start-shop.ts'

/** The last commit before adapters, mounts and packages were begun: their work must not part two releases. */
const BEFORE = 'c948aef00a021fa2695e5914650c986023378594'

/** A clone without history has no other release, and nothing here could get it one. */
function isShallow(): boolean {
  const answer = execFileSync('git', ['rev-parse', '--is-shallow-repository'], { encoding: 'utf8' })
  return answer.trim() === 'true'
}

it('one system, two releases', { timeout: 240_000 }, async () => {
  if (isShallow()) {
    console.log('NOT RUN: this clone is shallow, and has no other release; `git fetch --unshallow` gets it')
    return
  }
  const ended = await start(['--for', '30s', '--beside', BEFORE, '--seed', '3', '--json'])
  const report = JSON.parse(ended.output) as Report
  expect(ended.code, `${ended.output}\n${ended.errors}`).toBe(0)
  const { here = 0, beside = 0 } = report.beside?.starts ?? {}
  console.log(
    `two releases: ${here} processes of this one, ${beside} of the other; ${report.killsInFlight} kills with something in flight; ${report.orders.placed} orders`,
  )
  // Each of eleven processes once, and what was killed came back as the other release.
  expect(here + beside).toBeGreaterThanOrEqual(11 + report.kills - 1)
  expect(Math.min(here, beside)).toBeGreaterThanOrEqual(7)
  expect(report.killsInFlight).toBeGreaterThanOrEqual(3)
  expect(report.orders.placed).toBeGreaterThan(30)
  expect(left()).toEqual([])
})

it('a revision that is not there is said, with exit 2', async () => {
  const ended = await start(['--for', '1s', '--beside', 'no-such-thing'])
  expect(ended).toMatchObject({ code: 2, output: '' })
  expect(ended.errors).toContain('there is no such revision here')
  expect(left()).toEqual([])
})
