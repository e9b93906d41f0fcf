/**
 * Each defect is failed by the check named for it, and by nothing that is not true of it. `npm run prove:verify` does
 * the same with everything tried, ten times; here each bug is tried once, on its operation, without what it has no use for.
 */
import { describe, expect, test } from 'vitest'
import { findingsOfBug } from './attack-server.ts'
import { type Bug, type BugName, bugs } from './servers/bugs.ts'

const needsCard = new Set(['transient-failure', 'timeout', 'retry-after'])

describe.concurrent('a defect is found, by name', () => {
  test.each(Object.entries<Bug>(bugs))('%s', async (name, bug) => {
    const [operation = '', check = ''] = bug.failedBy.split('/')
    const only = check === 'other-operation' ? ['placeOrder', 'requestRefund'] : [operation]
    const found = await findingsOfBug(name as BugName, { only, card: needsCard.has(check) })
    expect(found).toContain(bug.failedBy)
    expect(found.filter((finding) => finding !== bug.failedBy && !bug.also?.includes(finding))).toEqual([])
  })
})

test('there are at least 24 of them, and each is another one', () => {
  expect(Object.keys(bugs).length).toBeGreaterThanOrEqual(24)
  expect(new Set(Object.values(bugs).map(({ what }) => what)).size).toBe(Object.keys(bugs).length)
})
