/** A sender's database, a stream and a reader of everything in it: what tests of outbox and relay stand on. */
import pg from 'pg'
import { afterAll } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/postgres.ts'
import { SendBuffer } from '../src/outbox/buffer.ts'
import type { Database, Query } from '../src/database/database.ts'
import { pgDatabase } from '../src/database/pg.ts'
import { migrateService, migrateStream } from '../src/schema/migrate.ts'
import { registrationOf } from '../src/schema/registration.ts'
import type { Logger } from '../src/service/loop.ts'
import { postgresTransport, type PostgresTransportOptions } from '../src/transport/postgres/postgres-transport.ts'
import type { Delivery, Transport } from '../src/transport/transport.ts'
import { readers, sender } from './outbox-contract.ts'

export interface OutboxRig {
  service: TestDatabase
  stream: TestDatabase
  database: Database
  /** a new transport on a pool of its own, closed with the file */
  transport(options?: PostgresTransportOptions): Transport
  /** sends through a buffer in one transaction */
  send(name: string, ...payloads: unknown[]): Promise<string[]>
  /** everything in a channel of the stream, by partition and offset */
  arrived(channel?: string): Promise<Delivery[]>
  /** rows of the service's database */
  rows<Row>(sql: string, values?: unknown[]): Promise<Row[]>
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

interface Templates {
  service: TestDatabase
  stream: TestDatabase
}
let templates: Promise<Templates> | undefined

/** Migrated once a file; nobody may be connected to a database that is copied. */
async function migrated(): Promise<Templates> {
  const made = { service: await testDatabase(), stream: await testDatabase() }
  const registration = registrationOf(sender)
  await migrateService(made.service.pool, registration)
  await migrateStream(made.stream.pool, { channels: registration.channels, subscriptions: readers })
  await made.service.pool.end()
  await made.stream.pool.end()
  return made
}

export async function outboxRig(options: { maxMessages?: number; max?: number } = {}): Promise<OutboxRig> {
  templates ??= migrated()
  const template = await templates
  const service = await testDatabase({ template: template.service, max: options.max ?? 10 })
  const stream = await testDatabase({ template: template.stream })
  const { maxMessages } = options
  if (maxMessages !== undefined)
    await stream.pool.query('update spandrel_stream.channels set max_messages = $1', [maxMessages])
  const database = pgDatabase(service.pool, service.doorbells)
  const open: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const close of open) await close()
  })
  const transport = (settings: PostgresTransportOptions = {}): Transport => {
    const pool = new pg.Pool({ connectionString: stream.url, max: 3, pipeline: true })
    const made = postgresTransport(pgDatabase(pool), settings)
    open.push(async () => {
      await made.close()
      await pool.end()
    })
    return made
  }
  const reader = transport()
  return {
    service,
    stream,
    database,
    transport,
    async send(name, ...payloads) {
      const buffer = new SendBuffer(sender, {})
      const ids = payloads.map((payload) => buffer.send(name, payload))
      await database.transaction(async ({ query }) => buffer.flush(query))
      return ids
    },
    async arrived(channel = 'moves') {
      const subscription = await reader.subscription(`reader:${channel}`, channel)
      const positions = new Map(Array.from({ length: subscription.partitions }, (_, partition) => [partition, 0]))
      const found: Delivery[] = []
      for (;;) {
        const batch = await subscription.read(positions, { limit: 5000, maxBytes: 64 * 1024 * 1024 })
        if (batch.length === 0) return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
        for (const delivery of batch) positions.set(delivery.partition, delivery.offset)
        found.push(...batch)
      }
    },
    async rows<Row>(sql: string, values: unknown[] = []) {
      return (await service.pool.query(sql, values)).rows as Row[]
    },
  }
}

/** Waits for a condition, asking every few milliseconds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  ms = 15_000,
  what = 'a condition',
): Promise<void> {
  const end = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}

export async function outboxIsEmpty(query: Query): Promise<boolean> {
  const { rows } = await query<{ empty: boolean }>('select not exists (select 1 from spandrel.outbox) as empty', [])
  return rows[0]?.empty === true
}
