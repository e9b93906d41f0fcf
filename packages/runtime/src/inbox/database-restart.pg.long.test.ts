import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { startServer } from '../../../../test/server.ts'
import {
  Cleanup,
  effectCount,
  effects,
  feed,
  inversions,
  message,
  migrateFor,
  rows,
  runConsumer,
  testContract,
  type TestHandlers,
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { openTransport } from '../transport/open.ts'
import { external } from './handlers.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const styles: Record<string, { contract: ReturnType<typeof testContract>; handler: TestHandlers[string] }> = {
  plain: { contract: testContract(), handler: writesEffect('a') },
  external: {
    contract: testContract({ thing: { effects: 'external' } }),
    handler: external({
      act: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
      },
      handle: writesEffect('a') as never,
    }) as unknown as TestHandlers[string],
  },
}

describe('law 8: Postgres crashes and comes back under load', { timeout: 120_000 }, () => {
  for (const [style, { contract, handler }] of Object.entries(styles)) {
    test(`nothing is lost, doubled or reordered, and no attempt is counted (${style})`, async () => {
      const server = await startServer()
      cleanup.add({ close: () => server.close() })
      const url = server.url()
      const setup = new pg.Pool({ connectionString: url })
      setup.on('error', () => {})
      cleanup.add({ close: () => setup.end() })
      await migrateFor(setup, [contract])
      const transport = cleanup.add(await openTransport(url))
      const a = cleanup.add(await runConsumer(url, contract, { thing: handler }, { name: 'a' }))
      cleanup.add(await runConsumer(url, contract, { thing: handler }, { name: 'b' }))
      let n = 0
      const feedMore = (): Promise<void> =>
        feed(
          transport,
          Array.from({ length: 20 }, () => message(n, { key: `k${n++ % 20}` })),
        )
      let interrupted = 0
      for (let round = 0; round < 3; round++) {
        for (let batch = 0; batch < 30; batch++) await feedMore()
        const busy = await rows<{ n: number }>(
          setup,
          "select count(*)::int as n from pg_stat_activity where application_name in ('a', 'b') and state <> 'idle'",
        )
        interrupted += busy[0]?.n ?? 0
        const done = await effectCount(setup)
        expect(done).toBeLessThan(n)
        await server.stop('immediate')
        await server.start()
      }
      expect(interrupted).toBeGreaterThan(0)
      expect(a.log.some((line) => line.startsWith('warn'))).toBe(true)
      await until(
        () => effectCount(setup).catch(() => 0),
        (done) => done >= n,
        60_000,
      )
      const seen = await effects(setup)
      expect(seen).toHaveLength(n)
      expect(new Set(seen.map(({ message: id }) => id)).size).toBe(n)
      expect(inversions(seen)).toEqual([])
      expect(await rows(setup, 'select 1 from spandrel.held')).toEqual([])
      expect(
        await rows(setup, "select 1 from spandrel.journal where kind in ('attempt-failed', 'attempt-died')"),
      ).toEqual([])
    })
  }
})
