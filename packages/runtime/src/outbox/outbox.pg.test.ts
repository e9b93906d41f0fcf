import { Kysely, PostgresDialect } from 'kysely'
import { afterEach, describe, expect, test } from 'vitest'
import { sender } from '../../test/outbox-contract.ts'
import { outboxIsEmpty, outboxRig, type OutboxRig, silent, until } from '../../test/outbox-rig.ts'
import { fromKysely } from '../database/kysely.ts'
import { fromPg } from '../database/pg.ts'
import { migrateService } from '../schema/migrate.ts'
import { registrationOf } from '../schema/registration.ts'
import type { Transport } from '../transport/transport.ts'
import { createOutbox, type Outbox } from './outbox.ts'

const open: Outbox[] = []
afterEach(async () => {
  for (const outbox of open.splice(0)) await outbox.close()
})

function outboxOf(rig: OutboxRig): ReturnType<typeof createOutbox<NonNullable<(typeof sender)['$types']>>> {
  const outbox = createOutbox(sender, { database: rig.database, logger: silent })
  open.push(outbox as unknown as Outbox)
  return outbox
}

/** Says when each message was handed to the transport. */
function timed(transport: Transport): { transport: Transport; at: Map<string, number> } {
  const at = new Map<string, number>()
  const publish: Transport['publish'] = (messages) => {
    for (const { attributes } of messages) at.set(attributes.id, performance.now())
    return transport.publish(messages)
  }
  return { at, transport: Object.assign(Object.create(transport) as Transport, { publish }) }
}

/** Sends in a transaction of the caller's own that commits after a while; when it had committed. */
async function sendAndCommit(
  rig: OutboxRig,
  outbox: ReturnType<typeof outboxOf>,
  afterMs: number,
): Promise<{ id: string; committed: number }> {
  const client = await rig.service.pool.connect()
  try {
    await client.query('begin')
    const id = await outbox.send(fromPg(client), 'noted', { text: `${afterMs}` })
    await client.query('select pg_sleep($1)', [afterMs / 1000])
    await client.query('commit')
    return { id, committed: performance.now() }
  } finally {
    client.release()
  }
}

describe('a send in a transaction of the caller’s own', () => {
  test.each([
    ['in the process of the relay', false],
    ['in another process, by its doorbell', true],
  ])('is heard within 150 ms of the commit, without the poll: %s', async (_, elsewhere) => {
    const rig = await outboxRig()
    const { transport, at } = timed(rig.transport())
    const here = outboxOf(rig)
    const relay = await here.relay({ transport, pollMs: 60_000, leaseMs: 60_000 })
    await until(() => relay.health().gauges['holdsLease'] === 1)
    const outbox = elsewhere ? outboxOf(rig) : here
    // The first one opens the doorbell's connection.
    await sendAndCommit(rig, outbox, 0)
    await until(() => at.size === 1)
    const delays: number[] = []
    // What a round trip takes beside it: about a millisecond, and more where others keep the machine busy.
    let roundTrip = 0
    const measured = new AbortController()
    const control = (async () => {
      while (!measured.signal.aborted) {
        const began = performance.now()
        await rig.service.pool.query('select 1')
        roundTrip = Math.max(roundTrip, performance.now() - began)
      }
    })()
    for (const afterMs of [0, 1, 15, 60, 130, 250, 450]) {
      const { id, committed } = await sendAndCommit(rig, outbox, afterMs)
      await until(() => at.has(id), 5000, 'the message to be heard')
      delays.push((at.get(id) ?? Number.NaN) - committed)
    }
    measured.abort()
    await control
    expect(Math.max(...delays)).toBeLessThan(150 + 3 * roundTrip)
  })

  test('law 1: goes if it commits, and never if it rolls back', async () => {
    const rig = await outboxRig()
    const outbox = outboxOf(rig)
    await outbox.relay({ transport: rig.transport(), pollMs: 20 })
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: rig.service.pool }) })
    const rolledBack = db.transaction().execute(async (trx) => {
      await outbox.send(fromKysely(trx), 'noted', { text: 'never' })
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    const id = await db
      .transaction()
      .execute((trx) => outbox.send(fromKysely(trx), 'noted', { text: 'always' }, { correlationid: 'c1' }))
    await until(async () => (await rig.arrived('notes')).length > 0 && (await outboxIsEmpty(rig.database.query)))
    const arrived = await rig.arrived('notes')
    expect(arrived.map(({ attributes }) => [attributes.id, attributes.correlationid])).toEqual([[id, 'c1']])
  })

  test('a violation is refused before anything is written, and the transaction may go on', async () => {
    const rig = await outboxRig()
    const outbox = outboxOf(rig)
    const client = await rig.service.pool.connect()
    await client.query('begin')
    await expect(outbox.send(fromPg(client), 'moved', { key: 'k' } as never)).rejects.toMatchObject({
      code: 'contract-violation',
    })
    await outbox.send(fromPg(client), 'moved', { key: 'k', seq: 1 })
    await client.query('commit')
    client.release()
    expect(await rig.rows('select 1 from spandrel.outbox')).toHaveLength(1)
  })
})

describe('the outbox alone', () => {
  test('says what is missing: a transport, a migrated database, the right one', async () => {
    const rig = await outboxRig()
    await expect(outboxOf(rig).relay({ transport: '' })).rejects.toMatchObject({ code: 'wrong-configuration' })
    await expect(outboxOf(rig).relay({ transport: 'carrier-pigeon://home' })).rejects.toMatchObject({
      code: 'wrong-configuration',
    })
    const other = { ...sender, service: 'other' }
    const wrong = createOutbox(other, { database: rig.service.pool, logger: silent })
    await expect(wrong.relay({ transport: rig.transport() })).rejects.toMatchObject({ code: 'unknown-service' })
    await expect(migrateService(rig.service.pool, registrationOf(other))).rejects.toMatchObject({
      code: 'unknown-service',
    })
    await rig.rows('drop schema spandrel cascade')
    await expect(outboxOf(rig).relay({ transport: rig.transport() })).rejects.toMatchObject({
      code: 'database-not-migrated',
    })
  })

  test('closes twice, and takes nothing afterwards', async () => {
    const rig = await outboxRig()
    const outbox = outboxOf(rig)
    await outbox.relay({ transport: rig.stream.url })
    await outbox.close()
    await outbox.close()
    await expect(outbox.send(rig.database, 'noted', { text: 'late' })).rejects.toThrow(/closed/)
  })
})
