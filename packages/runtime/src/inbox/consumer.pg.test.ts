import { afterEach, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
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
  until,
  writesEffect,
} from '../../test/consuming.ts'
import { openTransport } from '../transport/open.ts'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

async function world(
  contract = testContract(),
): Promise<{ url: string; pool: import('pg').Pool; transport: import('../transport/transport.ts').Transport }> {
  const { url, pool } = await testDatabase()
  await migrateFor(pool, [contract])
  const transport = cleanup.add(await openTransport(url))
  return { url, pool, transport }
}

describe('a consumer', () => {
  test('handles every message once, each key in order, and remembers each delivery', async () => {
    const contract = testContract()
    const { url, pool, transport } = await world(contract)
    const running = cleanup.add(await runConsumer(url, contract, { thing: writesEffect('a') }))
    const messages = Array.from({ length: 1000 }, (_, n) => message(n, { key: `k${n % 10}` }))
    await feed(transport, messages)
    await until(
      () => effectCount(pool),
      (n) => n >= 1000,
    )
    const seen = await effects(pool)
    expect(seen).toHaveLength(1000)
    expect(inversions(seen)).toEqual([])
    expect(await rows(pool, 'select outcome, count(*)::int as n from spandrel.inbox group by 1')).toEqual([
      { outcome: 'handled', n: 1000 },
    ])
    await running.stop()
    const positions = await rows<{ owner: string | null; behind: number }>(
      pool,
      `select p.owner, (h.head - p.position)::int as behind from spandrel.partitions p
       join spandrel_stream.heads h on h.partition = p.partition
       join spandrel_stream.channels c on c.id = h.channel and 'sink:' || c.address = p.subscription`,
    )
    expect(positions).toEqual(Array.from({ length: 4 }, () => ({ owner: null, behind: 0 })))
  })
})
