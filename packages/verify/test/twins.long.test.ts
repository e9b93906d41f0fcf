/** No false alarm: correct servers of different makes are failed by nothing, and everything that could be told is PASS. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { attackTwin, type TwinName, twins } from './twins.ts'

// Where there is no Python there is one make less; `npm run prove:verify` needs it.
const hasPython = spawnSync('python3', ['--version']).status === 0
const names = (Object.keys(twins) as TwinName[]).filter((name) => name !== 'python' || hasPython)

describe.concurrent('correct servers', () => {
  test.each(names)('%s', async (name) => {
    const { found, report } = await attackTwin(name)
    expect(found).toEqual([])
    const checks = report.results.flatMap((result) => result.checks)
    expect(checks.length).toBeGreaterThan(25)
    expect(
      checks.filter(({ verdict }) => verdict !== 'PASS').map(({ finding, notes }) => `${finding}: ${notes.join('; ')}`),
    ).toEqual([])
  })
})
