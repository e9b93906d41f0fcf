/** `doctor` as a whole: a healthy system has no finding; roles, transactions, poolers, and databases that are away. */
import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { databaseChecks } from '../src/doctor/examine.ts'
import { clockFindings } from '../src/doctor/surroundings.ts'
import { freePort, startPostgres } from '../src/embedded/index.ts'
import { breaks } from './doctor-breaks.ts'
import { DoctorServer } from './doctor-server.ts'
import { DatabaseLink, pairFolder, receiver } from './pair.ts'
import { spandrel, startSpandrel } from './spandrel.ts'
import { until } from './waiting.ts'

vi.setConfig({ testTimeout: 120_000 })

let at: DoctorServer
beforeAll(async () => {
  at = await DoctorServer.start()
})
afterAll(() => at.close())

test('a database that was never migrated: one finding, whose fix makes it; a role that may not is told so', async () => {
  const root = at.admins.get('front')!
  await root.query('create database fresh')
  const url = at.server.url('fresh')
  const asApp = url.replace(/\/\/[^@]*@/, '//front_app@')
  const run = (...args: string[]): ReturnType<typeof spandrel> =>
    spandrel([...args, '--service', 'front'], { cwd: pairFolder, env: at.env })
  const before = await run('doctor', '--database', asApp)
  expect(before.code).toBe(1)
  expect(before.stdout.match(/^error {2}front: .*$/gm)).toEqual([
    'error  front: there is no table spandrel.migrations  migrations',
  ])
  const refused = await run('migrate', '--database', asApp)
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(
    /^error {2}permission denied for database fresh\n {2}where {2}.*fresh.*\n {2}fix {4}connect as a role that may/,
  )
  expect((await run('migrate', '--database', url)).code).toBe(0)
  const status = await run('status', '--database', asApp)
  expect(status.stdout).toMatch(/front: permission denied for schema spandrel .*\n {4}do {3}connect as a role/)
  expect((await run('doctor', '--database', url)).stdout).not.toContain('migrations')
})

test('roles without any right: the fixes are applied one after the other, until nothing is wrong and all of it works', async () => {
  const to = await receiver()
  await at.applyPrivileges()
  expect(await at.left()).toEqual([])
  const { code, stdout, stderr } = await spandrel(['doctor'], { cwd: pairFolder, env: at.env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^nothing is wrong: \d\d checks of 4 places\n$/)
  expect(Number(/(\d+) checks/.exec(stdout)?.[1])).toBeGreaterThan(40)

  // These rights are enough for everything that runs.
  const running = startSpandrel(['serve', 'relay', 'push'], { cwd: pairFolder, env: { ...at.env, BACK_URL: to.url } })
  onTestFinished(async () => {
    running.child.kill('SIGTERM')
    await running.done
  })
  const app = new pg.Client(at.env['FRONT_DATABASE_URL'])
  await app.connect()
  for (const name of ['ann', 'nobody', 'nobody'])
    await app.query(`select spandrel.publish('pair.greetings', 'greeted', $1, key => $2)`, [{ name }, name])
  await app.end()
  await until('the messages', () => to.heard.length >= 3)
  const base = String(/"url":"([^"]+\/\.spandrel\/)"/.exec(running.text.stdout)?.[1])
  await until('a dead letter', async () => {
    const { rows } = await at.admins.get('back')!.query('select 1 from spandrel.held where dead_at is not null')
    return rows.length === 1
  })
  const authorization = `Bearer ${at.env['SPANDREL_MANAGEMENT_TOKEN']}`
  const health = await (await fetch(`${base}health`, { headers: { authorization } })).json()
  expect(JSON.stringify(health)).not.toContain('permission denied')
  expect(health).toMatchObject({ status: 'ok' })
  expect(running.text.stdout).not.toContain('permission denied')
  await at.sql('back', 'delete from spandrel.held; delete from spandrel.partitions')
})

test('open and prepared transactions', async () => {
  const app = new pg.Client(at.env['FRONT_DATABASE_URL'])
  await app.connect()
  const other = new pg.Client(at.server.url('front'))
  await other.connect()
  app.on('error', () => {})
  await app.query('begin; select 1')
  await other.query(`begin; select 1; prepare transaction 'forgotten'`)
  const limits = { transactionSeconds: 0 }
  const { fix } = await at.finds(
    'open-transactions',
    'front',
    /a transaction has been open for .*idle in transaction/,
    {
      limits,
    },
  )
  await at.sql('front', fix)
  const prepared = await at.finds('open-transactions', 'front', /the prepared transaction forgotten has been open/, {
    limits,
  })
  expect(prepared.fix).toContain(`rollback prepared 'forgotten';`)
  // It can be ended in its own database only.
  const told = (await at.look({ limits })).flatMap((one) =>
    one.findings.some(({ what }) => what.includes('prepared transaction forgotten')) ? [one.about] : [],
  )
  expect(told).toEqual(['front'])
  await at.sql('front', `rollback prepared 'forgotten'`)
  expect(await at.left()).toEqual([])
  await app.end().catch(() => {})
  await other.end()
})

test('a server that is too old, and one that is nearly full', async () => {
  const old = await at.finds('version', 'front', /is older than 14/, { limits: { oldestServer: 990_000 } })
  expect(old.fix).toContain('14 or newer')
  await at.finds('connections', 'front', /connections are in use/, { limits: { connectionShare: 0.001 } })
})

test('a setting of the server’s command line: where it comes from, and no SQL that would change nothing', async () => {
  const server = await startPostgres({ settings: { fsync: 'off', autovacuum: 'off' } })
  try {
    const url = server.url('postgres')
    const env = { ...at.env, FRONT_DATABASE_URL: url }
    await spandrel(['migrate', '--service', 'front', '--database', url], { cwd: pairFolder, env })
    const { stdout } = await spandrel(['doctor', '--service', 'front', '--json'], { cwd: pairFolder, env })
    const { findings: found } = JSON.parse(stdout) as { findings: { what: string; fix: string }[] }
    const fixes = found.filter(({ what }) => /^(?:fsync|autovacuum) is off/.test(what)).map(({ fix }) => fix)
    expect(fixes).toEqual([
      expect.stringMatching(/^it comes from the command line that starts the server: take autovacuum out there/),
      expect.stringMatching(/^it comes from the command line that starts the server: take fsync out there/),
    ])
    const own = { ...at.env, BACK_DATABASE_URL: `${at.env['BACK_DATABASE_URL']}?options=-c%20synchronous_commit%3Doff` }
    const { fix } = await at.finds('durability', 'back', /^synchronous_commit is off/, { env: own })
    expect(fix).toContain('out of `options` in the connection string')
  } finally {
    await server.close()
  }
})

test('a superuser: the fix can be typed, and makes a role that is none', async () => {
  const { fix } = await at.finds('too-much', 'back', /is a superuser/, {
    env: { BACK_DATABASE_URL: at.server.url('back') },
  })
  const root = at.admins.get('back')!
  await root.query(fix)
  const { rows } = await root.query('select rolname, rolsuper, rolcanlogin from pg_roles where rolname like $1', [
    'spandrel%',
  ])
  expect(rows).toEqual([{ rolname: 'spandrel_back', rolsuper: false, rolcanlogin: true }])
})

test('a clock that is off', async () => {
  const query = async (text: string): Promise<never> => (await at.admins.get('front')!.query(text)) as never
  expect(await clockFindings(query, 2)).toEqual([])
  const [ahead] = await clockFindings(query, 2, () => Date.now() - 60_000)
  expect(ahead?.what).toMatch(/^the database's clock is (?:60\.\d|59\.\d) s ahead of this machine's/)
  const [behind] = await clockFindings(query, 2, () => Date.now() + 60_000)
  expect(behind?.what).toMatch(/s behind this machine's/)
})

test('tokens and addresses', async () => {
  expect(await at.left()).toEqual([])
  await at.finds('tokens', 'here', /SPANDREL_MANAGEMENT_TOKEN is not set/, {
    env: { SPANDREL_MANAGEMENT_TOKEN: undefined },
  })
  await at.finds('tokens', 'here', /SPANDREL_MANAGEMENT_TOKEN is shorter/, {
    env: { SPANDREL_MANAGEMENT_TOKEN: 'short' },
  })
  await at.finds('tokens', 'here', /whoever reaches a service/, { env: { SPANDREL_TRUST_CALLER: '1' } })
  await at.finds('tokens', 'here', /SPANDREL_CALLER_SECRET is shorter/, { env: { SPANDREL_CALLER_SECRET: 'short' } })
  await at.finds('address', 'back', /cannot be reached at http:\/\/127\.0\.0\.1:9: /, {
    env: { BACK_URL: 'http://127.0.0.1:9' },
  })
})

test('a database that is away: its checks did not run, the others did', async () => {
  const url = 'postgres://me:s3cret@127.0.0.1:9/x'
  const ran = await spandrel(['doctor'], { cwd: pairFolder, env: { ...at.env, FRONT_DATABASE_URL: url } })
  expect(ran.code).toBe(1)
  expect(ran.stdout).toMatch(/error {2}front: the database of front cannot be reached: .*me:\*\*\*@/)
  expect(ran.stdout).toMatch(/not run {2}front: its database was not reached: version, migrations, /)
  expect(ran.stdout).not.toContain('s3cret')
  const all = { FRONT_DATABASE_URL: url, BACK_DATABASE_URL: url, SPANDREL_TRANSPORT_URL: url }
  expect((await spandrel(['doctor'], { cwd: pairFolder, env: { ...at.env, ...all } })).code).toBe(2)
  const json = await spandrel(['doctor', '--json'], { cwd: pairFolder, env: at.env })
  const { ran: number, notRun } = JSON.parse(json.stdout) as { ran: number; notRun: number; findings: unknown[] }
  expect(number).toBeGreaterThan(40)
  expect(notRun).toBe(0)
})

test('a database that stops answering: the rest of its checks is given up, not waited for; the others ran', async () => {
  const link = new DatabaseLink(at.env['FRONT_DATABASE_URL']!)
  await link.mend()
  link.freezeAt('pg_stat_activity')
  const examined = await at.look({ env: { FRONT_DATABASE_URL: link.url }, limits: { statementSeconds: 0.5 } })
  const of = (name: string): typeof examined => examined.filter(({ about }) => about === name)
  expect(link.frozen).toBe(true)
  expect(of('front').find(({ check }) => check === 'database')?.findings[0]?.what).toMatch(
    /^the database of front stopped answering: .* \(postgres:\/\/front_app@/,
  )
  const notRun = of('front').filter((one) => one.notRun === 'its database stopped answering')
  expect(notRun.map(({ check }) => check)).toEqual(expect.arrayContaining(['open-transactions', 'durability', 'held']))
  expect(of('front').find(({ check }) => check === 'migrations')).toEqual({
    check: 'migrations',
    about: 'front',
    findings: [],
  })
  expect(of('back').filter((one) => one.notRun !== undefined)).toEqual([])
})

test('a system without databases of ours: what there is was looked at, so it does not end with 2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-doctor-'))
  try {
    await writeFile(
      join(folder, 'orders.openapi.yaml'),
      'openapi: 3.1.0\ninfo: { title: Orders, version: 1.0.0 }\npaths: { /orders: { get: { operationId: listOrders, responses: { "200": { description: ok } } } } }\n',
    )
    await writeFile(
      join(folder, 'spandrel.yaml'),
      'version: 1\nsystem: web\nservices: { orders: { contracts: [orders.openapi.yaml], keys: gateway, url: "${FRONT_URL}" } }\n',
    )
    const well = await spandrel(['doctor'], { cwd: folder, env: at.env })
    expect(well).toEqual({ code: 0, stdout: 'nothing is wrong: 2 checks of 2 places\n', stderr: '' })
    const away = await spandrel(['doctor'], { cwd: folder, env: { ...at.env, FRONT_URL: 'http://127.0.0.1:9' } })
    expect(away.code).toBe(1)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('the database of the gateway: not migrated, rights, records that nobody removes; status counts its keys', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spandrel-doctor-'))
  const root = at.admins.get('front')!
  for (const sql of ['create database edge', 'create role edge_app login']) await root.query(sql)
  const asRoot = at.server.url('edge')
  const asApp = asRoot.replace(/\/\/[^@]*@/, '//edge_app@')
  const run = (url: string | undefined, ...args: string[]): ReturnType<typeof spandrel> =>
    spandrel(args, { cwd: folder, env: { ...at.env, ...(url !== undefined && { GATEWAY_DATABASE_URL: url }) } })
  const edge = new pg.Client(asRoot)
  try {
    await writeFile(
      join(folder, 'orders.openapi.yaml'),
      `openapi: 3.1.0
info: { title: Orders, version: 1.0.0 }
paths:
  /orders:
    post:
      operationId: placeOrder
      x-guarantees: { idempotency: { key: $request.header.Idempotency-Key, scope: global, retention: P1D } }
      responses: { "201": { description: ok } }
`,
    )
    await writeFile(
      join(folder, 'spandrel.yaml'),
      'version: 1\nsystem: web\nservices: { orders: { contracts: [orders.openapi.yaml], keys: gateway, url: "${FRONT_URL}" } }\n',
    )
    const unknown = await run(undefined, 'doctor')
    expect(unknown.stdout).toMatch(
      /^error {2}gateway: no database is known for the gateway .*\n {2}fix {4}set GATEWAY_/m,
    )
    expect((await run('postgres://me:s3cret@127.0.0.1:9/x', 'doctor')).stdout).toMatch(
      /^error {2}gateway: the database of gateway cannot be reached: /m,
    )
    const migrate = /^ {2}(?:fix|do) +(?:run )?`?spandrel migrate --gateway`?$/m
    const before = await run(asApp, 'doctor')
    expect(before.code).toBe(1)
    expect(before.stdout).toContain('error  gateway: there is no table spandrel_gateway.migrations  migrations\n')
    expect(before.stdout).toMatch(migrate)
    const away = await run(asRoot, 'status')
    expect(away.stdout).toContain('keys of the gateway: away\n')
    expect(away.stdout).toMatch(
      /^ {2}gateway: the database of the gateway has no schema spandrel_gateway\n {4}do {3}run `spandrel migrate --gateway`$/m,
    )
    expect((await run(asRoot, 'migrate', '--gateway')).code).toBe(0)

    // The fixes are enough for what a gateway writes.
    await edge.connect()
    for (let rounds = 0; ; rounds++) {
      const { stdout } = await run(asApp, 'doctor', '--json')
      const { findings: found } = JSON.parse(stdout) as { findings: { check: string; about: string; fix: string }[] }
      if (found.length === 0) break
      expect(rounds).toBeLessThan(4)
      for (const { check, about, fix } of found) {
        expect({ check, about }).toEqual({ check: 'privileges', about: 'gateway' })
        await edge.query(fix)
      }
    }
    const well = await run(asApp, 'doctor')
    expect(well).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^nothing is wrong: \d\d checks of 3 places\n$/),
    })
    await edge.query(`insert into spandrel_gateway.keys
      (operation, scope, key, fingerprint, state, outcome, owner, epoch, lease_until, expires_at)
      select 'orders.placeOrder', '', n::text, '', case when n < 4 then 'claimed' else 'done' end,
        case n when 1 then 'unknown' when 2 then null when 3 then null else 'answered' end, n::text, 1,
        clock_timestamp() + interval '1 minute', clock_timestamp() + interval '1 day' from generate_series(1, 8) n`)
    expect((await run(asApp, 'status')).stdout).toContain('\nkeys of the gateway: 2 open, 1 unknown, 5 done\n')
    // Its gateway died.
    await edge.query(`update spandrel_gateway.keys set lease_until = clock_timestamp() where key = '2'`)
    expect((await run(asApp, 'status')).stdout).toContain('\nkeys of the gateway: 1 open, 2 unknown, 5 done\n')
    expect((await run(asApp, 'doctor')).code).toBe(0)
    // One whose lease runs is no rubbish yet.
    await edge.query(
      `update spandrel_gateway.keys set expires_at = clock_timestamp() - interval '9 hours' where key >= '3'`,
    )
    const late = await run(asApp, 'doctor')
    expect(late.stdout).toContain(
      'gateway: spandrel_gateway.keys keeps 5 records whose time is over, the oldest for 9 h: no gateway removes them  expired-keys\n  fix    spandrel serve gateway\n',
    )
    at.proven.add('expired-keys')
    await edge.query('drop table spandrel_gateway.leases')
    expect((await run(asApp, 'doctor')).stdout).toMatch(
      /gateway: the table spandrel_gateway\.leases is missing {2}tables\n {2}fix .*`spandrel migrate --gateway`/,
    )
  } finally {
    await edge.end().catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
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
        `[databases]\n* = host=127.0.0.1 port=${at.server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = ${mode}\ndefault_pool_size = 4\n[users]\n`,
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
        await at.finds('pooler', 'front', /through a pooler in transaction mode/, through)
      } finally {
        await end()
      }
      const endSession = await start('session')
      try {
        expect(await at.left(through)).toEqual([])
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
  const proven = new Set([...at.proven, ...breaks.map(({ check }) => check), ...(hasPgBouncer ? [] : ['pooler'])])
  expect([...proven].toSorted()).toEqual([...new Set(all)].toSorted())
})
