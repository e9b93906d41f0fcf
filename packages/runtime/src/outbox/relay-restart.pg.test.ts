/** Postgres stopped as by a crash, and started again, under load. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../../../../test/server.ts'
import type { EmbeddedPostgres } from '../../../cli/src/embedded/index.ts'
import { type Moved, readers, sender } from '../../test/outbox-contract.ts'
import { outboxIsEmpty, silent, until } from '../../test/outbox-rig.ts'
import { isCommitUnknown, isTransientFailure } from '../database/failure.ts'
import { pgDatabase } from '../database/pg.ts'
import { migrateService, migrateStream } from '../schema/migrate.ts'
import { registrationOf } from '../schema/registration.ts'
import { postgresTransport } from '../transport/postgres/postgres-transport.ts'
import { SendBuffer } from './buffer.ts'
import { createRelay } from './relay.ts'

let server: EmbeddedPostgres
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

test(
  'Postgres stopped `immediate` and restarted under load: what was committed arrives, in order',
  { timeout: 120_000 },
  async () => {
    const admin = new pg.Client(server.url())
    await admin.connect()
    await admin.query('create database service')
    await admin.query('create database stream')
    await admin.end()
    const pools = ['service', 'stream'].map(
      (name) => new pg.Pool({ connectionString: server.url(name), max: 6, pipeline: true }),
    )
    const [database, stream] = pools.map((pool) => pgDatabase(pool)) as [
      ReturnType<typeof pgDatabase>,
      ReturnType<typeof pgDatabase>,
    ]
    const registration = registrationOf(sender)
    await migrateService(database, registration)
    await migrateStream(stream, { channels: registration.channels, subscriptions: readers })
    const transport = postgresTransport(stream)
    const relay = createRelay({
      contract: sender,
      database,
      transport,
      logger: silent,
      pollMs: 50,
      leaseMs: 500,
      batchSize: 50,
    })
    await relay.start()

    const committed = new Set<string>()
    const unknown = new Set<string>()
    let refused = 0
    const strange: unknown[] = []
    const writing = new AbortController()
    const writer = async (key: string): Promise<void> => {
      let seq = 0
      while (!writing.signal.aborted) {
        const buffer = new SendBuffer(sender, {})
        const id = buffer.send('moved', { key, seq: seq++ })
        try {
          await database.transaction(async ({ query }) => buffer.flush(query))
          committed.add(id)
          relay.ring()
        } catch (error) {
          if (isCommitUnknown(error)) unknown.add(id)
          else refused++
          if (!isTransientFailure(error)) strange.push(error)
          await new Promise((resolve) => {
            setTimeout(resolve, 20)
          })
        }
      }
    }
    const writers = Array.from({ length: 5 }, (_, n) => writer(`k${n}`))
    for (let crash = 1; crash <= 3; crash++) {
      const before = committed.size
      await until(() => committed.size > before + 300, 20_000, 'load')
      const failures = refused + unknown.size
      await server.stop('immediate')
      // The load ran when it stopped.
      await until(() => refused + unknown.size > failures, 20_000, 'a failed transaction')
      await server.start()
    }
    const before = committed.size
    await until(() => committed.size > before + 100, 20_000, 'load after the last crash')
    writing.abort()
    await Promise.all(writers)
    expect(strange).toEqual([])
    await until(() => outboxIsEmpty(database.query), 20_000, 'an empty outbox')

    const subscription = await transport.subscription('reader:moves', 'moves')
    const positions = new Map(Array.from({ length: subscription.partitions }, (_, partition) => [partition, 0]))
    const arrived = new Set<string>()
    const last = new Map<string, number>()
    for (;;) {
      const batch = await subscription.read(positions, { limit: 5000, maxBytes: 1e8 })
      if (batch.length === 0) break
      for (const { partition, offset, attributes, data } of batch) {
        positions.set(partition, offset)
        if (arrived.has(attributes.id)) continue
        arrived.add(attributes.id)
        const { key, seq } = JSON.parse(data) as Moved
        expect(seq).toBeGreaterThan(last.get(key) ?? -1)
        last.set(key, seq)
      }
    }
    expect([...committed].filter((id) => !arrived.has(id))).toEqual([])
    // A commit whose answer was lost may have happened; nothing else may have arrived.
    expect([...arrived].filter((id) => !committed.has(id) && !unknown.has(id))).toEqual([])
    await relay.stop({ deadlineMs: 2000 })
    await transport.close()
    for (const pool of pools) await pool.end()
  },
)
