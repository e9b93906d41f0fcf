/**
 * Every check of `doctor`: a healthy system has no finding; then each thing is broken on a real server, the finding is
 * seen, its fix is applied where it is SQL, and it is gone.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type EmbeddedPostgres, freePort, startPostgres } from '../src/embedded/index.ts'
import { type Limits, usualLimits } from '../src/doctor/check.ts'
import { databaseChecks, examine, type Examined } from '../src/doctor/examine.ts'
import { clockFindings } from '../src/doctor/surroundings.ts'
import { migrateDatabases } from '../src/system/migrate-databases.ts'
import { openSystem } from '../src/system/open-system.ts'
import { pairFolder, receiver } from './pair.ts'
import { spandrel, startSpandrel } from './spandrel.ts'
import { until } from './waiting.ts'

vi.setConfig({ testTimeout: 120_000 })

type Name = 'front' | 'back' | 'stream'
const names = ['front', 'back', 'stream'] as const
let server: EmbeddedPostgres
/** where services are said to be: somebody answers */
const somebody = createServer((_request, response) => response.writeHead(404).end())
const admins = new Map<Name, pg.Client>()
let env: Record<string, string>
const proven = new Set<string>()

/** As a service is meant to connect: a role of its own that owns nothing. */
function as(role: string, name: Name): string {
  const url = new URL(server.url(name))
  url.username = role
  return url.href
}

beforeAll(async () => {
  // What is asked of a production server, this one does: it waits for the disk.
  server = await startPostgres({ settings: { wal_level: 'logical', max_prepared_transactions: '5' } })
  const root = new pg.Client(server.url())
  await root.connect()
  for (const name of names) {
    await root.query(`create database ${name}`)
    await root.query(`create role ${name}_app login`)
  }
  await root.end()
  for (const name of names) {
    const admin = new pg.Client(server.url(name))
    admin.on('error', () => {})
    await admin.connect()
    admins.set(name, admin)
  }
  const at = (service: Name): { service: string; url: string; from: string } => ({
    service,
    url: server.url(service),
    from: 'the test',
  })
  await migrateDatabases(await openSystem(`${pairFolder}/spandrel.yaml`), {
    services: [at('front'), at('back')],
    stream: at('stream'),
  })
  await new Promise<void>((resolve) => {
    somebody.listen(0, '127.0.0.1', resolve)
  })
  const there = `http://127.0.0.1:${(somebody.address() as AddressInfo).port}`
  env = {
    FRONT_DATABASE_URL: as('front_app', 'front'),
    BACK_DATABASE_URL: as('back_app', 'back'),
    SPANDREL_TRANSPORT_URL: as('stream_app', 'stream'),
    SPANDREL_MANAGEMENT_TOKEN: 'a-token-that-is-long',
    SPANDREL_MANAGEMENT_PORT: '0',
    FRONT_URL: there,
    BACK_URL: there,
  }
})
afterAll(async () => {
  for (const admin of admins.values()) await admin.end().catch(() => {})
  somebody.closeAllConnections()
  somebody.close()
  await server.close()
})

/** Statement by statement, as psql does: some may stand in no transaction. */
async function sql(name: Name, text: string): Promise<void> {
  const statements = /^do |\$\$/.test(text) ? [text] : text.split(/;\s*/)
  for (const one of statements) if (one.trim() !== '') await admins.get(name)!.query(one)
}

async function look(
  options: { env?: Record<string, string | undefined>; limits?: Partial<Limits> } = {},
): Promise<Examined[]> {
  const given = { ...env, ...options.env }
  const system = await openSystem(`${pairFolder}/spandrel.yaml`, given)
  return examine(system, ['front', 'back'], { env: given, limits: { ...usualLimits, ...options.limits } })
}

interface Seen {
  check: string
  about: string
  what: string
  fix: string
}

function findings(examined: readonly Examined[]): Seen[] {
  return examined.flatMap(({ check, about, findings: found }) =>
    found.map(({ what, fix }) => ({ check, about, what, fix })),
  )
}

/** Statistics and settings take a moment to be seen. */
async function finds(check: string, about: string, words: RegExp, options?: Parameters<typeof look>[0]): Promise<Seen> {
  const found = await until(`${check} of ${about} to find ${String(words)}`, async () => {
    const all = findings(await look(options))
    return all.find((one) => one.check === check && one.about === about && words.test(one.what))
  })
  expect(found.fix.trim()).not.toBe('')
  proven.add(check)
  return found
}

/** Findings, and checks that did not run, once they have had a moment to go: none where all is well. */
async function left(options?: Parameters<typeof look>[0]): Promise<unknown[]> {
  let last: unknown[] = []
  const gone = async (): Promise<boolean> => {
    const examined = await look(options)
    last = [...findings(examined), ...examined.filter(({ notRun }) => notRun !== undefined)]
    return last.length === 0
  }
  await until('nothing to be wrong', gone).catch(() => {})
  return last
}

test('roles without any right: the fixes are applied one after the other, until nothing is wrong and all of it works', async () => {
  const to = await receiver()
  let rounds = 0
  for (;;) {
    const found = findings(await look())
    if (found.length === 0) break
    expect(new Set(found.map(({ check }) => check))).toEqual(new Set(['privileges']))
    for (const { about, fix } of found) await sql(about as Name, fix)
    expect(++rounds).toBeLessThan(5)
  }
  proven.add('privileges')
  expect(await left()).toEqual([])
  const { code, stdout, stderr } = await spandrel(['doctor'], { cwd: pairFolder, env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^nothing is wrong: \d\d checks of 4 places\n$/)
  expect(Number(/(\d+) checks/.exec(stdout)?.[1])).toBeGreaterThan(40)

  // These rights are enough for everything that runs.
  const running = startSpandrel(['serve', 'relay', 'push'], { cwd: pairFolder, env: { ...env, BACK_URL: to.url } })
  onTestFinished(async () => {
    running.child.kill('SIGTERM')
    await running.done
  })
  const app = new pg.Client(env['FRONT_DATABASE_URL'])
  await app.connect()
  for (const name of ['ann', 'nobody', 'nobody'])
    await app.query(`select spandrel.publish('pair.greetings', 'greeted', $1, key => $2)`, [{ name }, name])
  await app.end()
  await until('the messages', () => to.heard.length >= 3)
  const base = String(/"url":"([^"]+\/\.spandrel\/)"/.exec(running.text.stdout)?.[1])
  await until('a dead letter', async () => {
    const { rows } = await admins.get('back')!.query('select 1 from spandrel.held where dead_at is not null')
    return rows.length === 1
  })
  const authorization = `Bearer ${env['SPANDREL_MANAGEMENT_TOKEN']}`
  const health = await (await fetch(`${base}health`, { headers: { authorization } })).json()
  expect(JSON.stringify(health)).not.toContain('permission denied')
  expect(health).toMatchObject({ status: 'ok' })
  expect(running.text.stdout).not.toContain('permission denied')
  await sql('back', 'delete from spandrel.held; delete from spandrel.partitions')
})

interface Break {
  check: string
  about: Name
  /** SQL that breaks it */
  by: string
  finds: RegExp
  /** SQL that mends it; absent: the fix that doctor gives is applied */
  mend?: string
  limits?: Partial<Limits>
}

const breaks: readonly Break[] = [
  {
    check: 'migrations',
    about: 'front',
    by: `update spandrel.migrations set number = -1 where number = 1`,
    finds: /^migration 1 first of spandrel was not applied$/,
    mend: 'update spandrel.migrations set number = 1 where number = -1',
  },
  {
    check: 'migrations',
    about: 'stream',
    by: `update spandrel_stream.migrations set checksum = 'x' || checksum`,
    finds: /was applied with another text/,
    mend: 'update spandrel_stream.migrations set checksum = substr(checksum, 2)',
  },
  {
    check: 'migrations',
    about: 'back',
    by: `insert into spandrel.migrations values (999, 'future', 'x', true)`,
    finds: /is past what this version knows \(999\)/,
    mend: 'delete from spandrel.migrations where number = 999',
  },
  {
    check: 'migrations',
    about: 'back',
    by: 'alter schema spandrel rename to elsewhere',
    finds: /there is no table spandrel\.migrations/,
    mend: 'alter schema elsewhere rename to spandrel',
  },
  {
    check: 'tables',
    about: 'front',
    by: 'alter table spandrel.journal rename to gone',
    finds: /the table spandrel\.journal is missing/,
    mend: 'alter table spandrel.gone rename to journal',
  },
  {
    check: 'tables',
    about: 'front',
    by: 'alter table spandrel.keys rename fingerprint to print',
    finds: /spandrel\.keys lacks fingerprint/,
    mend: 'alter table spandrel.keys rename print to fingerprint',
  },
  {
    check: 'tables',
    about: 'back',
    by: 'alter index spandrel.held_by_key rename to other',
    finds: /the index spandrel\.held_by_key is missing/,
    mend: 'alter index spandrel.other rename to held_by_key',
  },
  {
    check: 'tables',
    about: 'back',
    by: `update pg_index set indisvalid = false where indexrelid = 'spandrel.held_by_key'::regclass`,
    finds: /held_by_key is not valid/,
  },
  {
    check: 'tables',
    about: 'front',
    by: 'alter function spandrel.publish rename to send',
    finds: /the function spandrel\.publish is missing/,
    mend: 'alter function spandrel.send rename to publish',
  },
  {
    check: 'registration',
    about: 'front',
    by: `update spandrel.channels set address = 'x'`,
    finds: /the channel pair\.greetings is in a contract and not registered/,
    mend: `update spandrel.channels set address = 'pair.greetings'`,
  },
  {
    check: 'registration',
    about: 'stream',
    by: `update spandrel_stream.subscriptions set name = 'back:old'`,
    finds: /the subscription back:pair\.greetings .* gets no messages/,
    mend: `update spandrel_stream.subscriptions set name = 'back:pair.greetings'`,
  },
  {
    check: 'registration',
    about: 'stream',
    by: `insert into spandrel_stream.subscriptions select 'gone:pair.greetings', channel from spandrel_stream.subscriptions`,
    finds: /no contract has the subscription gone:pair\.greetings/,
    mend: `delete from spandrel_stream.subscriptions where name = 'gone:pair.greetings'`,
  },
  {
    check: 'registration',
    about: 'back',
    by: `update spandrel.service set name = 'front'`,
    finds: /this database belongs to front/,
    mend: `update spandrel.service set name = 'back'`,
  },
  {
    check: 'privileges',
    about: 'front',
    by: 'revoke delete on spandrel.outbox from front_app',
    finds: /front_app lacks delete on spandrel\.outbox/,
  },
  {
    check: 'privileges',
    about: 'front',
    by: 'revoke usage on sequence spandrel.outbox_id from front_app',
    finds: /lacks usage on spandrel\.outbox_id/,
  },
  {
    check: 'privileges',
    about: 'back',
    by: 'revoke usage on schema spandrel from back_app',
    finds: /may not use the schema/,
  },
  {
    check: 'privileges',
    about: 'front',
    by: `do $$ begin execute 'revoke execute on function ' || (select oid::regprocedure from pg_proc where proname = 'publish') || ' from public'; end $$`,
    finds: /may not execute spandrel\.publish/,
  },
  {
    check: 'too-much',
    about: 'front',
    by: 'alter role front_app superuser',
    finds: /is a superuser/,
    mend: 'alter role front_app nosuperuser',
  },
  {
    check: 'too-much',
    about: 'back',
    by: 'alter role back_app createdb createrole',
    finds: /has createrole, createdb/,
  },
  {
    check: 'too-much',
    about: 'back',
    by: 'grant select on spandrel.held to public',
    finds: /everybody who may connect has select on spandrel\.held/,
  },
  {
    check: 'vacuum-settings',
    about: 'front',
    by: 'alter system set autovacuum = off; select pg_reload_conf()',
    finds: /^autovacuum is off/,
  },
  {
    check: 'vacuum-settings',
    about: 'back',
    by: 'alter table spandrel.inbox set (autovacuum_enabled = false)',
    finds: /autovacuum is off for spandrel\.inbox/,
  },
  {
    check: 'vacuum-settings',
    about: 'stream',
    by: 'alter table spandrel_stream.log reset (autovacuum_vacuum_threshold)',
    finds: /spandrel_stream\.log has lost its own vacuum settings/,
  },
  {
    check: 'dead-rows',
    about: 'front',
    by: `insert into spandrel.outbox (channel, attributes, data) select 'x', '{}', '{}' from generate_series(1, 2000); delete from spandrel.outbox`,
    finds: /spandrel\.outbox has about [\d,]+ dead rows/,
    mend: 'vacuum spandrel.outbox',
    limits: { deadRows: 1000 },
  },
  {
    check: 'dead-rows',
    about: 'back',
    by: `insert into spandrel.held (channel, source, message_id, type, attributes, data) select 'x', 'x', n::text, 'x', '{}', repeat('x', 1000) from generate_series(1, 2000) n; delete from spandrel.held`,
    finds: /spandrel\.held takes \d+ MiB for 0 rows/,
    mend: 'vacuum full spandrel.held',
    limits: { emptyTableBytes: 1024 * 1024 },
  },
  {
    check: 'durability',
    about: 'front',
    by: 'alter system set fsync = off; select pg_reload_conf()',
    finds: /^fsync is off: a crash of the machine can destroy the database/,
  },
  {
    check: 'durability',
    about: 'front',
    by: 'alter system set full_page_writes = off; select pg_reload_conf()',
    finds: /^full_page_writes is off/,
  },
  {
    check: 'durability',
    about: 'back',
    by: 'alter role back_app set synchronous_commit = off',
    finds: /^synchronous_commit is off/,
    mend: 'alter role back_app reset synchronous_commit',
  },
  {
    check: 'durability',
    about: 'stream',
    by: 'alter database stream set synchronous_commit = off',
    finds: /^synchronous_commit is off/,
  },
  {
    check: 'replication-slots',
    about: 'front',
    by: `select pg_create_physical_replication_slot('forgotten', true)`,
    finds: /nobody reads the replication slot forgotten: it keeps/,
    mend: `select pg_drop_replication_slot('forgotten')`,
  },
  {
    check: 'unsent',
    about: 'front',
    by: `insert into spandrel.outbox (channel, attributes, data) values ('x', '{"time": "2026-01-01T00:00:00Z"}', '{}')`,
    finds: /unsent for \d+ s, and no relay works/,
    mend: 'delete from spandrel.outbox',
  },
  {
    check: 'expired-rows',
    about: 'front',
    by: `insert into spandrel.keys (operation, scope, key, fingerprint, state, expires_at) values ('x', 'x', 'x', 'x', 'done', now() - interval '1 day')`,
    finds: /spandrel\.keys keeps rows whose time was over 24 h ago/,
    mend: 'delete from spandrel.keys',
  },
  {
    check: 'expired-rows',
    about: 'back',
    by: `insert into spandrel.inbox (subscription, source, message_id, type, outcome, partition, "offset", epoch, expires_at) values ('x', 'x', 'x', 'x', 'handled', 0, 0, 0, now() - interval '1 day')`,
    finds: /spandrel\.inbox keeps rows/,
    mend: `delete from spandrel.inbox where subscription = 'x'`,
  },
  {
    check: 'expired-rows',
    about: 'front',
    by: `insert into spandrel.sent (id, channel, source, message_id, type, attributes, sent_at) values (-1, 'x', 'x', 'x', 'x', '{}', now() - interval '9 days')`,
    finds: /spandrel\.sent keeps rows/,
    mend: 'delete from spandrel.sent where id = -1',
  },
  {
    check: 'expired-rows',
    about: 'back',
    by: `update spandrel.journal set at = now() - interval '9 days'; insert into spandrel.journal (kind, at) values ('note', now() - interval '9 days')`,
    finds: /spandrel\.journal keeps rows/,
    mend: 'delete from spandrel.journal',
  },
  {
    check: 'held',
    about: 'back',
    by: `insert into spandrel.held (channel, source, message_id, type, attributes, data, dead_at, expires_at) values ('x', 'x', 'x', 'x', '{}', '{}', now(), now() + interval '1 hour')`,
    finds: /^1 dead letter is removed within a day/,
    mend: 'delete from spandrel.held',
  },
  {
    check: 'held',
    about: 'back',
    by: `insert into spandrel.partitions (subscription, partition, stopped) values ('back:pair.greetings', 3, 'incarnation-changed')`,
    finds: /partition 3 has stopped: incarnation-changed/,
    mend: 'delete from spandrel.partitions',
  },
  {
    check: 'stream-room',
    about: 'stream',
    by: 'update spandrel_stream.heads set head = head + 1000000',
    finds: /the channel pair\.greetings is full to \d+ %: outboxes wait/,
    mend: 'update spandrel_stream.heads set head = head - 1000000',
  },
]

describe('each thing broken on its own', () => {
  test.each(breaks)('$check of $about: $by', async ({ check, about, by, finds: words, mend, limits }) => {
    const options = { ...(limits !== undefined && { limits }) }
    let fix = mend
    try {
      await sql(about, by)
      fix = mend ?? (await finds(check, about, words, options)).fix
      await finds(check, about, words, options).catch((error: unknown) => {
        if (mend !== undefined) throw error
      })
    } finally {
      if (fix !== undefined) await sql(about, fix)
    }
    expect(await left(options)).toEqual([])
  })
})

test('open and prepared transactions', async () => {
  const app = new pg.Client(env['FRONT_DATABASE_URL'])
  await app.connect()
  const other = new pg.Client(server.url('front'))
  await other.connect()
  app.on('error', () => {})
  await app.query('begin; select 1')
  await other.query(`begin; select 1; prepare transaction 'forgotten'`)
  const limits = { transactionSeconds: 0 }
  const { fix } = await finds('open-transactions', 'front', /a transaction has been open for .*idle in transaction/, {
    limits,
  })
  await sql('front', fix)
  const prepared = await finds('open-transactions', 'front', /the prepared transaction forgotten has been open/, {
    limits,
  })
  expect(prepared.fix).toContain(`rollback prepared 'forgotten';`)
  await sql('front', `rollback prepared 'forgotten'`)
  expect(await left()).toEqual([])
  await app.end().catch(() => {})
  await other.end()
})

test('a server that is too old, and one that is nearly full', async () => {
  const old = await finds('version', 'front', /is older than 14/, { limits: { oldestServer: 990_000 } })
  expect(old.fix).toContain('14 or newer')
  await finds('connections', 'front', /connections are in use/, { limits: { connectionShare: 0.001 } })
})

test('a clock that is off', async () => {
  const query = async (text: string): Promise<never> => (await admins.get('front')!.query(text)) as never
  expect(await clockFindings(query, 2)).toEqual([])
  const [ahead] = await clockFindings(query, 2, () => Date.now() - 60_000)
  expect(ahead?.what).toMatch(/^the database's clock is (?:60\.\d|59\.\d) s ahead of this machine's/)
  const [behind] = await clockFindings(query, 2, () => Date.now() + 60_000)
  expect(behind?.what).toMatch(/s behind this machine's/)
})

test('tokens and addresses', async () => {
  expect(await left()).toEqual([])
  await finds('tokens', 'here', /SPANDREL_MANAGEMENT_TOKEN is not set/, {
    env: { SPANDREL_MANAGEMENT_TOKEN: undefined },
  })
  await finds('tokens', 'here', /SPANDREL_MANAGEMENT_TOKEN is shorter/, { env: { SPANDREL_MANAGEMENT_TOKEN: 'short' } })
  await finds('tokens', 'here', /whoever reaches a service/, { env: { SPANDREL_TRUST_CALLER: '1' } })
  await finds('tokens', 'here', /SPANDREL_CALLER_SECRET is shorter/, { env: { SPANDREL_CALLER_SECRET: 'short' } })
  await finds('address', 'back', /cannot be reached at http:\/\/127\.0\.0\.1:9: /, {
    env: { BACK_URL: 'http://127.0.0.1:9' },
  })
})

test('a database that is away: its checks did not run, the others did', async () => {
  const url = 'postgres://me:s3cret@127.0.0.1:9/x'
  const ran = await spandrel(['doctor'], { cwd: pairFolder, env: { ...env, FRONT_DATABASE_URL: url } })
  expect(ran.code).toBe(1)
  expect(ran.stdout).toMatch(/error {2}front: the database of front cannot be reached: .*me:\*\*\*@/)
  expect(ran.stdout).toMatch(/not run {2}front: its database was not reached: version, migrations, /)
  expect(ran.stdout).not.toContain('s3cret')
  const all = { FRONT_DATABASE_URL: url, BACK_DATABASE_URL: url, SPANDREL_TRANSPORT_URL: url }
  expect((await spandrel(['doctor'], { cwd: pairFolder, env: { ...env, ...all } })).code).toBe(2)
  const json = await spandrel(['doctor', '--json'], { cwd: pairFolder, env })
  const { ran: number, notRun } = JSON.parse(json.stdout) as { ran: number; notRun: number; findings: unknown[] }
  expect(number).toBeGreaterThan(40)
  expect(notRun).toBe(0)
})

// Of Debian's package: apt-get install pgbouncer.
const pgbouncer = '/usr/sbin/pgbouncer'
const hasPgBouncer = spawnSync(pgbouncer, ['--version']).status === 0
test.runIf(hasPgBouncer || process.env['CI'] === 'true')(
  'PgBouncer: found in transaction mode, and not in session mode',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spandrel-pgbouncer-'))
    await chmod(folder, 0o755)
    const port = await freePort()
    const start = async (mode: string): Promise<() => Promise<void>> => {
      const file = join(folder, 'pgbouncer.ini')
      await writeFile(
        file,
        `[databases]\n* = host=127.0.0.1 port=${server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = ${mode}\ndefault_pool_size = 4\n[users]\n`,
      )
      // auth_type any signs everybody in as the user of the database's line.
      await writeFile(file, (await readFile(file, 'utf8')).replace('* = host', 'front = user=front_app host'))
      const child = spawn(pgbouncer, process.getuid?.() === 0 ? ['-u', 'nobody', file] : [file], { stdio: 'ignore' })
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      const client = async (): Promise<boolean> => {
        const one = new pg.Client(`postgres://front_app@127.0.0.1:${port}/front`)
        one.on('error', () => {})
        return one.connect().then(
          () => one.end().then(() => true),
          () => false,
        )
      }
      await until('pgbouncer', client)
      return async () => {
        child.kill('SIGKILL')
        await ended
      }
    }
    const through = { env: { FRONT_DATABASE_URL: `postgres://front_app@127.0.0.1:${port}/front` } }
    try {
      const end = await start('transaction')
      try {
        await finds('pooler', 'front', /through a pooler in transaction mode/, through)
      } finally {
        await end()
      }
      const endSession = await start('session')
      try {
        expect(await left(through)).toEqual([])
      } finally {
        await endSession()
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)

test('every check was proven', () => {
  const all = [...databaseChecks.map(({ id }) => id), 'tokens', 'address']
  expect(all.length).toBeGreaterThan(15)
  expect([...proven, ...(hasPgBouncer ? [] : ['pooler'])].toSorted()).toEqual([...new Set(all)].toSorted())
})
