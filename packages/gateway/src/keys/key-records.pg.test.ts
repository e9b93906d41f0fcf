/** The statements behind key records: batches, races, fences, rights, and what each condition in them is for. */
import type { Database } from '@spandrel/runtime'
import { asDatabase } from '@spandrel/runtime/operate'
import pg from 'pg'
import { expect, test } from 'vitest'
import { kept, keysDatabase, order } from '../../test/kept.ts'
import { Counters } from '../management/counters.ts'
import { CleanUp } from './clean-up.ts'
import { type Claimed, type HeldKey, KeyRecords, type WantedKey } from './key-records.ts'

const keys = keysDatabase()

function wanted(key: string, more: Partial<WantedKey> = {}): WantedKey {
  return {
    operation: 'orders.placeOrder',
    scope: '',
    key,
    fingerprint: 'f',
    leaseMs: 60_000,
    retentionMs: 60_000,
    correlationId: 'c',
    id: key,
    ...more,
  }
}

const outcome = {
  outcome: 'answered',
  status: 201,
  headers: { 'x-many': ['1', '2'] },
  body: Buffer.from('{}'),
} as const

function heldOf(claimed: Claimed): HeldKey {
  if (claimed.how !== 'held') throw new Error(`not held: ${JSON.stringify(claimed)}`)
  return claimed.held
}

test('a key that the database cannot keep does not take its neighbours with it', async () => {
  const records = new KeyRecords(asDatabase(keys.pool), 'poison')
  const asked = await Promise.allSettled(['before', 'nul\0', 'behind'].map((key) => records.claim(wanted(key))))
  expect(asked.map((one) => (one.status === 'fulfilled' ? one.value.how : 'rejected'))).toEqual([
    'held',
    'rejected',
    'held',
  ])
  await records.settled()
})

/** A database that shows each statement before it is sent. */
function through(change: (sql: string) => string): Database {
  const { query, ...rest } = asDatabase(keys.pool)
  return { ...rest, query: (sql, values) => query(change(sql), values) }
}

test('what is asked for together goes in one statement, and so do the outcomes', async () => {
  const statements: string[] = []
  const database = through((sql) => {
    statements.push(sql)
    return sql
  })
  const records = new KeyRecords(database, 'p')
  const names = Array.from({ length: 200 }, (_, index) => `batch-${index}`)
  const held = (await Promise.all(names.map((name) => records.claim(wanted(name))))).map(heldOf)
  expect(statements).toHaveLength(1)
  expect(new Set(await Promise.all(held.map((one) => records.finish(one, outcome))))).toEqual(new Set([true]))
  expect(statements).toHaveLength(2)
  const copies = await Promise.all(names.map((name) => records.claim(wanted(name))))
  expect(copies.filter(({ how }) => how === 'done')).toHaveLength(200)
  expect(statements).toHaveLength(3)
})

test('of many who want keys at once, in any order, one has each', async () => {
  const processes = Array.from({ length: 6 }, (_, index) => new KeyRecords(asDatabase(keys.pool), `p${index}`))
  for (let round = 0; round < 10; round++) {
    const names = Array.from({ length: 20 }, (_, index) => `race-${round}-${index}`)
    const claimed = await Promise.all(
      processes.flatMap((records, index) =>
        (index % 2 === 0 ? names : names.toReversed()).map((name) => records.claim(wanted(name))),
      ),
    )
    expect(claimed.filter(({ how }) => how === 'held')).toHaveLength(20)
    expect(claimed.filter(({ how }) => how === 'elsewhere')).toHaveLength(100)
  }
})

test('a record past its retention, or a claim past its lease, is as good as none; epochs count on', async () => {
  const records = new KeyRecords(asDatabase(keys.pool), 'p')
  const first = heldOf(await records.claim(wanted('retention')))
  expect(await records.finish(first, outcome)).toBe(true)
  const done = await records.claim(wanted('retention'))
  expect(done).toMatchObject({ how: 'done', record: { status: 201, headers: { 'x-many': ['1', '2'] } } })
  await keys.pool.query("update spandrel_gateway.keys set expires_at = now() where key = 'retention'")
  const again = heldOf(await records.claim(wanted('retention', { leaseMs: 0 })))
  expect([again.epoch, again.takenOver]).toEqual(['2', false])
  const over = heldOf(await records.claim(wanted('retention')))
  expect([over.epoch, over.takenOver]).toEqual(['3', true])
  expect(await records.finish(again, outcome)).toBe(false)
  expect(await records.release(again)).toBe(false)
  expect(await records.renew(again)).toBe(false)
  expect(await records.markUnknown(again)).toBe(false)
  expect(await records.finish(over, outcome)).toBe(true)
})

test('retention runs from the completion', async () => {
  const records = new KeyRecords(asDatabase(keys.pool), 'p')
  const held = heldOf(await records.claim(wanted('kept', { leaseMs: 1, retentionMs: 10_000 })))
  await keys.pool.query("update spandrel_gateway.keys set expires_at = now() where key = 'kept'")
  await records.finish(held, outcome)
  const { rows } = await keys.pool.query(
    "select extract(epoch from expires_at - done_at)::float8 as seconds from spandrel_gateway.keys where key = 'kept'",
  )
  expect(rows[0].seconds).toBeCloseTo(10, 1)
})

test('a claim whose answer was lost is the same claim on the second try', async () => {
  let lost = 0
  const { query, ...rest } = asDatabase(keys.pool)
  const records = new KeyRecords(
    {
      ...rest,
      query: async <Row>(sql: string, values?: readonly unknown[]) => {
        const result = await query<Row>(sql, values)
        if (++lost === 1) throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
        return result
      },
    },
    'p',
  )
  expect(heldOf(await records.claim(wanted('lost-answer')))).toMatchObject({ epoch: '1', takenOver: false })
  expect(lost).toBe(2)
})

test('the clean-up deletes what is past its retention, in batches, one gateway at a time, and nothing else', async () => {
  await keys.pool.query(
    `insert into spandrel_gateway.keys (operation, scope, key, fingerprint, state, owner, epoch, lease_until, expires_at)
     select 'clean', '', n::text, '', case when n % 2 = 0 then 'done' else 'claimed' end, 'x', 1,
       now() - interval '1 hour', now() - interval '1 minute' from generate_series(1, 25) n
     union all select 'clean', '', 'open', '', 'claimed', 'x', 1, now() + interval '1 hour', now() - interval '1 minute'
     union all select 'clean', '', 'young', '', 'done', 'x', 1, now() - interval '1 hour', now() + interval '1 minute'`,
  )
  const counters = new Counters()
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const options = { database: asDatabase(keys.pool), logger, counters, limit: 10 }
  const [one, other] = [new CleanUp({ ...options, owner: 'one' }), new CleanUp({ ...options, owner: 'other' })]
  const locked = await keys.pool.connect()
  await locked.query('begin')
  await locked.query("select 1 from spandrel_gateway.keys where operation = 'clean' and key = '7' for update")
  await one.round()
  await other.round()
  const left = async (): Promise<string[]> =>
    (
      await keys.pool.query<{ key: string }>(
        "select key from spandrel_gateway.keys where operation = 'clean' order by key",
      )
    ).rows.map(({ key }) => key)
  expect(await left()).toEqual(['7', 'open', 'young'])
  expect(counters.render()).toContain('spandrel_gateway_expired_keys_total 24')
  await locked.query('rollback')
  locked.release()
  await other.round()
  expect(await left()).toContain('7')
  await one.stop()
  await other.round()
  expect(await left()).toEqual(['open', 'young'])
})

test('a role that may do no more than it must, can', async () => {
  const { url } = keys.database()
  const role = `gateway_${Date.now()}`
  await keys.pool.query(`
    create role ${role} login password 'x';
    grant usage on schema spandrel_gateway to ${role};
    grant select on spandrel_gateway.migrations to ${role};
    grant select, insert, update, delete on spandrel_gateway.keys, spandrel_gateway.leases to ${role};`)
  const as = new URL(url)
  as.username = role
  as.password = 'x'
  const pool = new pg.Pool({ connectionString: as.href })
  try {
    const { url: at, gateways } = await kept({}, pool)
    expect((await order(at, 'role')).status).toBe(201)
    expect((await order(at, 'role')).headers['idempotent-replayed']).toBe('true')
    await new CleanUp({
      database: asDatabase(pool),
      logger: { debug() {}, info() {}, warn: (fields) => expect.fail(JSON.stringify(fields)), error() {} },
      counters: new Counters(),
      owner: 'role',
    }).round()
    await gateways[0]?.gateway.close()
  } finally {
    await pool.end()
    await keys.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

test('without a database, or without the tables, it does not start', async () => {
  await expect(kept({}, undefined)).rejects.toThrow(
    /no database to keep the keys of orders.placeOrder\n {2}\/contracts/,
  )
  const other = new pg.Pool({ connectionString: new URL('/postgres', keys.database().url).href })
  try {
    await expect(kept({}, other)).rejects.toMatchObject({ code: 'database-not-migrated' })
  } finally {
    await other.end()
  }
  await expect(kept({ guarantee: { scope: 'tenant' } }, keys.pool)).rejects.toThrow(/cannot tell tenants/)
})

// — each condition is there for something: without it, this is seen —

/** The law that each of these breaks: one effect for one key while a lease lasts, and the outcome of who holds it. */
async function lawHolds(database: Database, name: string): Promise<string[]> {
  const [a, b] = [new KeyRecords(database, 'a'), new KeyRecords(database, 'b')]
  const faults: string[] = []
  const first = heldOf(await a.claim(wanted(name)))
  if ((await b.claim(wanted(name))).how === 'held') faults.push('two hold one key')
  await keys.pool.query('update spandrel_gateway.keys set lease_until = now() where key = $1', [name])
  const second = await b.claim(wanted(name))
  if (second.how !== 'held') return [...faults, 'a lease that has ended keeps the key']
  const told = await a.finish(first, outcome)
  const [row] = await keys.rows(name)
  if (told || row?.state !== 'claimed') faults.push('who has lost the key wrote its outcome')
  await b.finish(second.held, { ...outcome, status: 202 }).catch(() => {})
  const third = await a.claim(wanted(name))
  if (third.how !== 'done' || third.record.status !== 202) faults.push('a done key does not give its outcome')
  return faults
}

test.each([
  ['nothing', (sql: string) => sql, []],
  [
    'the lease is not looked at',
    (sql: string) =>
      sql
        .replace(
          "case r.state when 'done' then r.expires_at else r.lease_until end > clock_timestamp() as holds",
          "r.state = 'done' as holds",
        )
        .replace(
          "where case k.state when 'done' then k.expires_at else k.lease_until end <= clock_timestamp()",
          "where k.state = 'claimed'",
        ),
    ['two hold one key'],
  ],
  [
    'a lease never ends',
    (sql: string) => sql.replaceAll('else r.lease_until end', "else 'infinity' end"),
    ['a lease that has ended keeps the key'],
  ],
  [
    'no fence',
    (sql: string) => sql.replace(' and k.owner = o.owner and k.epoch = o.epoch', ''),
    ['who has lost the key wrote its outcome'],
  ],
  [
    'only claims suppress',
    (sql: string) =>
      sql
        .replace("when 'done' then r.expires_at", "when 'done' then '-infinity'")
        .replace("when 'done' then k.expires_at", "when 'done' then '-infinity'"),
    ['a done key does not give its outcome'],
  ],
] as const)('what is seen where %s is wrong', async (what, change, seen) => {
  let changed = 0
  const database = through((sql) => {
    const made = change(sql)
    if (made !== sql) changed++
    return made
  })
  expect(await lawHolds(database, what.replaceAll(' ', '-'))).toEqual(seen)
  expect(changed > 0, 'the mutant is in what was sent').toBe(what !== 'nothing')
})
