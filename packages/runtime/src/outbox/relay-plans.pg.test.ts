import { expect, test } from 'vitest'
import { flushStatistics } from '../../test/flush-statistics.ts'
import { outboxRig } from '../../test/outbox-rig.ts'
import type { MessageAttributes } from '../message/envelope.ts'
import { takeLease } from './relay-lease.ts'
import { readOutbox } from './relay-read.ts'
import { deleteConfirmed, expireSent } from './relay-write.ts'

const rows = 200_000
const exclude = { channels: [], keyChannels: [], keys: [], ids: [] }

test(
  'FM06 a backlog is read, deleted and expired by its key, also by plans made when the tables were empty',
  { timeout: 120_000 },
  async () => {
    // One connection, so that its statistics are its own.
    const rig = await outboxRig({ max: 1 })
    const { query } = rig.database
    const epoch = (await takeLease(query, 'me', 600_000)) ?? ''
    const read = (): ReturnType<typeof readOutbox> =>
      readOutbox(query, { owner: 'me', epoch, leaseMs: 600_000, mark: 0n, exclude, limit: 500, maxBytes: 4_000_000 })
    const once = async (): Promise<number> => {
      const { rows: found } = await read()
      const messages = found.map(({ id, channel, attributes, data }) => ({
        rowId: id,
        channel,
        attributes: JSON.parse(attributes) as MessageAttributes,
        data,
      }))
      await deleteConfirmed(query, messages, false)
      await expireSent(query, { retentionMs: 0, limit: 500 })
      return found.length
    }
    const scanned = async (): Promise<number> => {
      await flushStatistics(query)
      const { rows: stats } = await query<{ n: string }>(
        "select sum(seq_tup_read) as n from pg_stat_user_tables where schemaname = 'spandrel' and relname in ('outbox', 'sent', 'held')",
      )
      return Number(stats[0]?.n ?? 0)
    }
    // More often than the server needs to keep a plan for all values.
    for (let i = 0; i < 8; i++) await once()
    await query(
      `insert into spandrel.outbox (channel, partitionkey, attributes, data, validated)
     select 'moves', 'k' || n % 1000, '{"id":"' || n || '","source":"/s","type":"t","correlationid":"c"}', '{}', true
     from generate_series(1, $1::int) n`,
      [rows],
    )
    await query(
      `insert into spandrel.held (subscription, channel, partitionkey, source, message_id, type, attributes, data)
     select 's', 'moves', 'k' || n, 's', n::text, 't', '{}', '{}' from generate_series(1, 20000) n`,
      [],
    )
    const before = await scanned()
    for (let i = 0; i < 5; i++) expect(await once()).toBe(500)
    expect((await scanned()) - before).toBeLessThan(rows / 10)
  },
)
