/** Also through a pooler that refuses what it does not know of a connection's first message: test/laws.ts runs it there. */
import { afterEach, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { Cleanup, feed, message, migrateFor, testContract } from '../../test/consuming.ts'
import { openObserver } from './observe.ts'
import { openTransport } from './open.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

test('an observer sees where a stream ends, and what came after', async () => {
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [testContract()])
  const transport = cleanup.add(await openTransport(url))
  await feed(transport, [message(1, { key: 'a' })])
  const observer = cleanup.add(await openObserver(url))
  const before = (await observer.place(['things', 'unknown'])).get('things') ?? []
  expect(before.reduce((all, head) => all + head, 0)).toBe(1)
  await feed(transport, [message(2, { key: 'a' }), message(3, { key: 'a' })])
  const seen = await observer.since('things', before, 10)
  expect(seen.map(({ data }) => (JSON.parse(data) as { n: number }).n)).toEqual([2, 3])
})
