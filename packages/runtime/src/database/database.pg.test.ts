/**
 * One suite for every adapter: what a loan sees, what it refuses, and what a commit proves.
 */
import { drizzle } from 'drizzle-orm/node-postgres'
import { type Generated, Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { testDatabase } from '../../../../test/postgres.ts'
import { libraries } from '../../test/libraries.ts'
import type { Database } from './database.ts'
import { isCommitUnknown, isConnectionLost, isTransientFailure, sqlState } from './failure.ts'
import { drizzleDatabase } from './drizzle.ts'
import { fromKysely, kyselyDatabase } from './kysely.ts'
import { fromPg, pgDatabase, type PgTransaction } from './pg.ts'

interface Tables {
  t: { id: Generated<number>; word: string }
}

const { url, pool: admin, doorbells } = await testDatabase()
const pooled = doorbells.listen !== undefined
const plain = new pg.Pool({ connectionString: url, max: 4 })
// Kysely's own driver hears no errors of a connection in use.
plain.on('connect', (client) => client.on('error', () => {}))
const pipelined = new pg.Pool({ connectionString: url, max: 4, pipeline: true })
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: plain }) })
const dbPipelined = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: pipelined }) })
beforeAll(async () => {
  await admin.query('create table t (id int generated always as identity, word text not null)')
  await admin.query('create unique index one_word on t (word)')
  await admin.query('create table later (word text unique deferrable initially deferred)')
})
beforeEach(async () => {
  await admin.query('truncate t, later')
})
afterAll(async () => {
  await plain.end()
  await pipelined.end()
})
// Libraries whose handlers await nothing leave their statements in the driver's own queue; ours must not.
const warnings: Error[] = []
process.on('warning', (warning) => {
  if (/^(pg|kysely)/.test(expect.getState().currentTestName ?? '')) warnings.push(warning)
})

const words = async (): Promise<string[]> =>
  (await admin.query('select word from t order by word')).rows.map(({ word }) => word as string)

interface Subject<Tx = unknown> {
  readonly database: Database<Tx>
  run(tx: Tx, text: string): Promise<unknown>
}

const onPg = (tx: PgTransaction, text: string): Promise<unknown> => tx.query(text)
const onKysely = (tx: Transaction<Tables>, text: string): Promise<unknown> => sql.raw(text).execute(tx)

type Open = () => Promise<Subject & { close?(): Promise<unknown> }>

function shared<Tx>(name: string, database: Database<Tx>, run: Subject<Tx>['run']): [string, Open] {
  return [name, async () => ({ database, run }) as Subject]
}

/**
 * The other libraries are opened for every test. postgres.js 3.4.9 has to be: it may hang for good once it has lost a
 * connection within a transaction (seen with nothing of ours in it: `begin`, pg_terminate_backend, then forty
 * transactions at once).
 */
const subjects: [string, Open][] = [
  shared('pg', pgDatabase(plain), onPg),
  shared('pg, pipelined', pgDatabase(pipelined), onPg),
  shared('pg, not prepared', pgDatabase(pipelined, { prepare: false }), onPg),
  shared('kysely, its own driver', kyselyDatabase(db), onKysely),
  shared('kysely, with its pool', kyselyDatabase(db, { pool: plain }), onKysely),
  shared('kysely, with its pipelined pool', kyselyDatabase(dbPipelined, { pool: pipelined }), onKysely),
  ...libraries.map(([name, open]): [string, Open] => [name, () => open(url)]),
]

/** Some libraries give a connection back whose end has not arrived yet: the next statement meets it. */
const lostOnce = (error: unknown): void => expect(isConnectionLost(error)).toBe(true)

const insert = (word: string): string => `insert into t (word) values ('${word}')`

/** Handles one thing in a transaction, as a consumer does. */
async function handle(
  subject: Subject,
  alone: boolean,
  handler: (go: (text: string) => Promise<unknown>) => unknown,
): Promise<void> {
  await subject.database.transaction(async (open) => {
    await open.query('select 1 where $1::int = 1', [1])
    const lent = open.lend({ alone })
    await handler((text) => subject.run(lent.tx, text))
    await lent.end()
    await open.query('select 2 where $1::int = 1', [1])
  })
}

describe.each(subjects)('%s', (name, open) => {
  let it: Awaited<ReturnType<Open>>
  beforeEach(async () => {
    it = await open()
  })
  afterEach(async () => {
    await it.close?.()
  })

  test('commits what a handler did', async () => {
    await handle(it, false, (go) => go(insert('a')))
    expect(await words()).toEqual(['a'])
  })

  test('rolls back what it threw over, and the error is its own', async () => {
    const fault = new Error('mine')
    await expect(
      handle(it, false, async (go) => {
        await go(insert('a'))
        throw fault
      }),
    ).rejects.toBe(fault)
    expect(await words()).toEqual([])
  })

  test('a swallowed SQL error fails the loan, and with it the transaction', async () => {
    await handle(it, false, (go) => go(insert('a')))
    const swallowed = handle(it, false, async (go) => {
      await go(insert('b'))
      await go(insert('a')).catch(() => {})
    })
    const cause = it.database.shares ? { cause: { code: '23505' } } : {}
    await expect(swallowed).rejects.toMatchObject({ code: 'statement-failed', ...cause })
    expect(await words()).toEqual(['a'])
  })

  test('a statement that was not awaited is waited for', async () => {
    await handle(it, false, (go) => {
      void go(`select pg_sleep(0.05); ${insert('slow')}`)
    })
    expect(await words()).toEqual(['slow'])
  })

  test('statements that are not awaited one by one happen in order', async () => {
    await handle(it, false, (go) => {
      for (let i = 0; i < 20; i++) void go(insert(`w${String(i).padStart(2, '0')}`))
    })
    const { rows } = await admin.query('select word from t order by id')
    expect(rows.map(({ word }) => word as string)).toEqual(
      Array.from({ length: 20 }, (_, i) => `w${String(i).padStart(2, '0')}`),
    )
  })

  test.each([
    'savepoint a',
    'set local work_mem = 64',
    'lock table t',
    'declare c cursor for select 1',
    'commit',
    `${insert('x')}; rollback`,
    '/* harmless */ begin',
    "select set_config('work_mem', '64kB', true)",
  ])('a shared handler is refused: %s', async (text) => {
    if (!it.database.shares) return
    const refused = handle(it, false, async (go) => {
      await go(insert('a'))
      await go(text).catch(() => {})
    })
    await expect(refused).rejects.toMatchObject({ code: 'shared-transaction-refused' })
    expect(await words()).toEqual([])
  })

  test('a handler alone may use savepoints, and heal a failure with one', async () => {
    await handle(it, true, async (go) => {
      await go(insert('a'))
      await go('savepoint s')
      await go(insert('a')).catch(() => {})
      await go('rollback to s')
      await go(insert('b'))
    })
    expect(await words()).toEqual(['a', 'b'])
  })

  test('a handler alone may not end the transaction', async () => {
    await expect(handle(it, true, (go) => go('commit').catch(() => {}))).rejects.toMatchObject({
      code: 'statement-failed',
    })
    await expect(handle(it, true, (go) => go('select 1; rollback').catch(() => {}))).rejects.toMatchObject({
      code: 'statement-failed',
    })
  })

  test('after its end a handle is dead', async () => {
    let late: ((text: string) => Promise<unknown>) | undefined
    await handle(it, false, (go) => {
      late = go
    })
    await expect((async () => late?.(insert('late')))()).rejects.toMatchObject({ code: 'statement-after-end' })
    expect(await words()).toEqual([])
  })

  test('a loan that was forgotten is ended before the commit', async () => {
    await expect(
      it.database.transaction(async (open) => {
        void it.run(open.lend({ alone: false }).tx, 'select 1/0').catch(() => {})
      }),
    ).rejects.toMatchObject({ code: 'statement-failed', ...(it.database.shares ? { cause: { code: '22012' } } : {}) })
  })

  test('a statement of ours that was not awaited and failed is a failed commit', async () => {
    await expect(
      it.database.transaction(async (open) => {
        await open.query(insert('a'))
        open.query('select $1::int / 0', [1]).catch(() => {})
      }),
    ).rejects.toMatchObject({ code: 'statement-failed' })
    expect(await words()).toEqual([])
  })

  test('values that cannot be encoded fail the transaction too', async () => {
    // postgres.js makes a text of whatever it is given.
    if (name.endsWith('postgres.js')) return
    const circular: { self?: unknown } = {}
    circular.self = circular
    await expect(
      it.database.transaction(async (open) => {
        await open.query(insert('a'))
        open.query('select $1::text', [circular]).catch(() => {})
      }),
    ).rejects.toThrow(/circular|call stack/i)
    expect(await words()).toEqual([])
  })

  test('an aborted transaction does not count as committed', async () => {
    await expect(
      it.database.transaction(async (open) => {
        await open.query(insert('a'))
        await open.query('select 1/0').catch(() => {})
      }),
    ).rejects.toMatchObject({ code: 'statement-failed' })
    expect(await words()).toEqual([])
  })

  test('a constraint that fails at COMMIT is known not to be committed', async () => {
    const failed = it.database.transaction(async (open) => {
      await open.query("insert into later values ('a')")
      await open.query("insert into later values ('a')")
    })
    await expect(failed.catch(sqlState)).resolves.toBe('23505')
    await expect(failed.catch(isCommitUnknown)).resolves.toBe(false)
  })

  test('a connection lost in the middle rolls back, and is not used again', async () => {
    const lost = it.database.transaction(async (open) => {
      await open.query(insert('a'))
      await admin.query('select pg_terminate_backend($1)', [await open.backend()])
      await open.query('select 1')
    })
    await expect(
      lost.catch((error: unknown) => [isConnectionLost(error), isTransientFailure(error), isCommitUnknown(error)]),
    ).resolves.toEqual([true, true, false])
    expect(await words()).toEqual([])
    // twice as often as the pool has connections
    for (let i = 0; i < 8; i++) await it.database.query('select 1').catch(lostOnce)
    for (let i = 0; i < 8; i++) await it.database.query('select 1')
  })

  test('a connection lost during COMMIT is an unknown commit', async () => {
    await admin.query(`create or replace function die() returns trigger language plpgsql as
      $$ begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); return null; end $$`)
    await admin.query(
      'create constraint trigger die after insert on later deferrable initially deferred for each row execute function die()',
    )
    try {
      const unknown = it.database.transaction((open) => open.query("insert into later values ('a')"))
      await expect(unknown).rejects.toMatchObject({ code: 'statement-failed', commitUnknown: true })
    } finally {
      await admin.query('drop trigger die on later')
    }
    for (let i = 0; i < 8; i++) await it.database.query('select 1').catch(lostOnce)
    for (let i = 0; i < 8; i++) await it.database.query('select 1')
  })

  test('many transactions at once leave no connection behind', async () => {
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const done = handle(it, false, (go) => {
          if (i % 3 === 0) throw new Error('no')
          return go(i % 3 === 1 ? insert(`n${i}`) : 'select 1/0')
        })
        await done.catch(() => {})
      }),
    )
    expect(await words()).toHaveLength(13)
    const { rows } = await admin.query(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
    )
    expect(rows[0].n).toBe(0)
  })

  test('cutting the connection ends what runs', async () => {
    const started = performance.now()
    const cut = it.database.transaction(async (open) => {
      setTimeout(() => open.cut(), 50)
      await open.query('select pg_sleep(20)')
    })
    await expect(cut.catch(isConnectionLost)).resolves.toBe(true)
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

test('statements are queued without the driver’s warning', () => {
  expect(warnings.filter(({ name }) => name === 'DeprecationWarning')).toEqual([])
})

test('joins a caller’s own transaction', async () => {
  const client = await plain.connect()
  await client.query('begin')
  await fromPg(client).query('insert into t (word) values ($1)', ['mine'])
  await client.query('rollback')
  client.release()
  expect(await words()).toEqual([])
  await db.transaction().execute((trx) => fromKysely(trx).query('insert into t (word) values ($1)', ['ours']))
  expect(await words()).toEqual(['ours'])
})

test.each(libraries)('joins a caller’s own transaction of %s', async (name, open) => {
  const library = await open(url)
  const text = 'insert into t (word) values ($1)'
  const fault = new Error('mine')
  await library.join(async ({ query }) => {
    const { rows } = await query<{ word: string }>(`${text} returning word`, [name])
    expect(rows).toEqual([{ word: name }])
  })
  const undone = library.join(async ({ query }) => {
    await query(text, ['undone'])
    throw fault
  })
  await expect(undone).rejects.toBe(fault)
  expect(await words()).toEqual([name])
  await library.close()
})

test('what is in no transaction is not joined: its message would leave whatever becomes of the transaction', async () => {
  const client = await pipelined.connect()
  const refused = { code: 'wrong-configuration' }
  expect(() => fromPg(plain)).toThrow(expect.objectContaining(refused))
  expect(() => fromPg(client)).toThrow(expect.objectContaining(refused))
  expect(() => fromKysely(db as Transaction<Tables>)).toThrow(expect.objectContaining(refused))
  // One that was not awaited will be there.
  void client.query('begin')
  await fromPg(client).query('select 1')
  await client.query('select 1 / 0').catch(() => {})
  fromPg(client)
  await client.query('rollback')
  expect(() => fromPg(client)).toThrow(expect.objectContaining(refused))
  client.release()
})

test.each(libraries)('what is in no transaction of %s is not joined', async (_, open) => {
  const library = await open(url)
  expect(() => library.outside()).toThrow(expect.objectContaining({ code: 'wrong-configuration' }))
  await library.close()
})

test('a Drizzle database over one client is refused: its transactions would run into each other', async () => {
  const client = await plain.connect()
  expect(() => drizzleDatabase(drizzle({ client }))).toThrow(expect.objectContaining({ code: 'wrong-configuration' }))
  client.release()
})

test('a pool that many services share is listened to once', () => {
  const pool = new pg.Pool({ connectionString: url })
  for (let time = 0; time < 20; time++) {
    pgDatabase(pool)
    kyselyDatabase(db, { pool })
    drizzleDatabase(drizzle({ client: pool }), { listen: pool })
  }
  expect([pool.listenerCount('error'), pool.listenerCount('connect')]).toEqual([1, 1])
})

test('handlers on Kysely keep their types and builders', async () => {
  await kyselyDatabase(db, { pool: plain }).transaction(async (open) => {
    const lent = open.lend({ alone: false })
    const { id } = await lent.tx.insertInto('t').values({ word: 'typed' }).returning('id').executeTakeFirstOrThrow()
    expect(id).toBeTypeOf('number')
    const updated = await lent.tx.updateTable('t').set({ word: 'changed' }).where('id', '=', id).executeTakeFirst()
    expect(updated.numUpdatedRows).toBe(1n)
    await lent.end()
  })
  expect(await words()).toEqual(['changed'])
})

describe('hints between processes', () => {
  const listening: [string, Open][] = [
    shared('pg', pgDatabase(plain, doorbells), onPg),
    // Behind a pooler they hear nothing: docs/databases.md says so.
    ...subjects.filter(([name]) => !pooled && (name === 'drizzle on pg' || name === 'postgres.js')),
  ]
  test.each(listening)('are heard by %s on a connection of its own, also after it was cut', async (_name, open) => {
    const subject = await open()
    const { database } = subject
    const heard: string[] = []
    let wake = (): void => {}
    const until = async (done: () => boolean): Promise<void> => {
      while (!done()) await new Promise<void>((resolve) => (wake = resolve))
    }
    const listener = await database.listen?.('ring', (payload) => {
      heard.push(payload)
      wake()
    })
    const notifier = database.notifier?.('ring')
    await notifier?.notify('one')
    await until(() => heard.includes('one'))
    const before = heard.length
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen%'",
    )
    // The connection comes back by itself, with one call for what may have been missed.
    await until(() => heard.length > before)
    await notifier?.notify('two')
    await until(() => heard.includes('two'))
    expect(heard).toContain('one')
    await notifier?.close()
    await listener?.close()
    await listener?.close()
    await subject.close?.()
  })
})
