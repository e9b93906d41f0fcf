import { expect, test } from 'vitest'
import { statusText } from './status.ts'

const busy = { orders: 1234, completed: 1100, rejected: 98, moving: 152, held: 17, kills: 124 }

test('what is down is read first, and all of it fits a terminal of 110 columns', () => {
  const line = statusText({ ...busy, down: ['payments', 'inventory'] })
  expect(line).toBe(
    'down payments, inventory · 1234 placed · 1100 done · 98 rejected · 36 open · 152 moving · 17 held · 124 kills',
  )
  // The last column stays free.
  expect(line.length).toBeLessThanOrEqual(109)
  expect(statusText({ ...busy, held: 0, kills: 0, down: [] })).toMatch(/^all up · 1234 placed/)
})
