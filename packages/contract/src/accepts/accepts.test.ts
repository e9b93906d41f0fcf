import { expect, test } from 'vitest'
import { accepts } from './accepts.ts'

test('a schema accepts what it describes', () => {
  expect(accepts({ type: 'string' }, { type: 'string' }).answer).toBe('yes')
})
