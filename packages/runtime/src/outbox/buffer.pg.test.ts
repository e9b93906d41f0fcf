import { beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { sender } from '../../test/outbox-contract.ts'
import { pgDatabase } from '../database/pg.ts'
import { SpandrelError } from '../errors.ts'
import { migrateService } from '../schema/migrate.ts'
import { registrationOf } from '../schema/registration.ts'
import { flushAll, SendBuffer } from './buffer.ts'

const { pool } = await testDatabase()
const database = pgDatabase(pool)
beforeAll(() => migrateService(pool, registrationOf(sender)))

const context = {
  correlationid: 'c1',
  causationid: 'm0',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'a=b',
}
const rows = async (): Promise<
  {
    channel: string
    partitionkey: string | null
    attributes: Record<string, string>
    data: unknown
    validated: boolean
  }[]
> =>
  (
    await pool.query(
      'with gone as (delete from spandrel.outbox returning *) select channel, partitionkey, attributes::json, data::json, validated from gone order by id',
    )
  ).rows

describe('what is sent', () => {
  test('becomes a complete envelope', async () => {
    const buffer = new SendBuffer(sender, context)
    const id = buffer.send('moved', { key: 'k1', seq: 1 }, { attributes: { tenant: 't1' } })
    expect(buffer.size).toBe(1)
    await database.transaction(async ({ query }) => void buffer.flush(query))
    expect(buffer.size).toBe(0)
    expect(await rows()).toEqual([
      {
        channel: 'moves',
        partitionkey: 'k1',
        validated: true,
        data: { key: 'k1', seq: 1 },
        attributes: {
          specversion: '1.0',
          id,
          source: '/test/sender',
          type: 'test.moved',
          time: expect.any(String) as string,
          datacontenttype: 'application/json',
          dataschema: 'urn:spandrel:sender:1.0.0',
          partitionkey: 'k1',
          correlationid: 'c1',
          causationid: 'm0',
          traceparent: expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-/) as string,
          tracestate: 'a=b',
          tenant: 't1',
        },
      },
    ])
  })

  test('keeps its order over many buffers, in one statement', async () => {
    const buffers = Array.from({ length: 5 }, () => new SendBuffer(sender, context))
    for (const [b, buffer] of buffers.entries()) for (let i = 0; i < 20; i++) buffer.send('counted', { n: b * 20 + i })
    let statements = 0
    await database.transaction(({ query }) =>
      flushAll(buffers, (sql, values) => {
        statements++
        return query(sql, values)
      }),
    )
    expect(statements).toBe(1)
    expect((await rows()).map(({ data }) => (data as { n: number }).n)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    )
  })

  test('is forgotten with its buffer, and rolled back with its transaction', async () => {
    const buffer = new SendBuffer(sender, context)
    buffer.send('noted', { text: 'a' })
    buffer.clear()
    buffer.send('noted', { text: 'b' })
    const fails = database.transaction(async ({ query }) => {
      await buffer.flush(query)
      throw new Error('no')
    })
    await expect(fails).rejects.toThrow('no')
    await buffer.flush(database.query)
    expect(await rows()).toEqual([])
  })

  test('without a context begins a journey of its own', async () => {
    const buffer = new SendBuffer(sender, {})
    const id = buffer.send('noted', { text: 'a' }, { key: 'own' })
    await buffer.flush(database.query)
    expect(await rows()).toMatchObject([{ partitionkey: 'own', attributes: { id, correlationid: id } }])
  })

  test('total order has one key for all', async () => {
    const buffer = new SendBuffer(sender, {})
    buffer.send('counted', { n: 1 })
    await buffer.flush(database.query)
    expect(await rows()).toMatchObject([{ partitionkey: 'total' }])
  })
})

describe('refused at once, and nothing is written', () => {
  test.each<[string, string, unknown, object | undefined, string, RegExp]>([
    ['a message the contract has not', 'nothing', {}, undefined, 'unknown-message', /declares: moved, noted, counted/],
    [
      'a payload that breaks its schema',
      'moved',
      { key: 'k' },
      undefined,
      'contract-violation',
      /must have key and seq/,
    ],
    ['no payload', 'noted', undefined, undefined, 'contract-violation', /not JSON/],
    ['no ordering key', 'moved', { key: '', seq: 1 }, undefined, 'key-missing', /ordering key/],
    ['a key against the contract', 'moved', { key: 'a', seq: 1 }, { key: 'b' }, 'contract-violation', /ordering\.by/],
    ['a core attribute', 'noted', { text: '' }, { attributes: { id: 'x' } }, 'contract-violation', /no name/],
    [
      'control characters in a key',
      'moved',
      { key: 'a\0', seq: 1 },
      undefined,
      'contract-violation',
      /control characters/,
    ],
    [
      'an attribute that is no string',
      'noted',
      { text: '' },
      { attributes: { n: 1 } },
      'contract-violation',
      /no string/,
    ],
  ])('%s', (_, name, data, options, code, text) => {
    const buffer = new SendBuffer(sender, context)
    let thrown: unknown
    try {
      buffer.send(name, data, options as never)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(SpandrelError)
    const { code: thrownCode, message, hint } = thrown as SpandrelError
    expect(thrownCode).toBe(code)
    expect(`${message} ${hint}`).toMatch(text)
    expect(buffer.size).toBe(0)
  })
})
