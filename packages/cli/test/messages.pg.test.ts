import { fileURLToPath } from 'node:url'
import { migrateService } from '@spandrel/runtime/operate'
import { beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { testDatabase, type TestDatabase } from '../../../test/postgres.ts'
import { type Ran, spandrel } from './spandrel.ts'

// Every command is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

const pair = fileURLToPath(new URL('fixtures/pair', import.meta.url))
let front: TestDatabase
let back: TestDatabase

beforeAll(async () => {
  front = await testDatabase()
  back = await testDatabase()
  for (const [service, { pool }] of [
    ['front', front],
    ['back', back],
  ] as const) {
    await migrateService(pool, {
      service,
      source: `/pair/${service}`,
      version: '1.0.0',
      channels: [],
      subscriptions: [],
    })
  }
})

beforeEach(async () => {
  for (const { pool } of [front, back])
    await pool.query('truncate spandrel.held restart identity; truncate spandrel.journal')
})

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return spandrel(['messages', ...args], {
    cwd: pair,
    env: { FRONT_DATABASE_URL: front.url, BACK_DATABASE_URL: back.url, ...env },
  })
}

interface Held {
  key: string
  dead?: boolean
  reason?: string
  error?: string
  id?: string
}

async function hold({ key, dead, reason, error, id }: Held): Promise<void> {
  const message = id ?? `m-${key}`
  await back.pool.query(
    `insert into spandrel.held (subscription, channel, operation, partition, partitionkey, source, message_id, type, attributes, data, attempts, dead_at, reason, error, correlationid, held_at)
     values ('back:pair.greetings', 'pair.greetings', 'hear', 0, $1, '/pair/front', $2, 'greeted', $3, $4, $5, $6, $7, $8, 'c-1', now() - interval '5 minutes')`,
    [
      key,
      message,
      JSON.stringify({ id: message }),
      JSON.stringify({ name: key }),
      dead ? 2 : 0,
      dead ? '2026-01-02T03:04:05Z' : null,
      reason,
      error,
    ],
  )
}

async function holdProducer(): Promise<void> {
  await front.pool.query(
    `insert into spandrel.held (side, channel, source, message_id, type, attributes, data, dead_at, reason, error, held_at)
     values ('producer', 'pair.greetings', '/pair/front', 'p-1', 'greeted', '{}', '{}', now(), 'contract-violation', 'lacks "name"', now() - interval '3 hours')`,
  )
}

async function requests(): Promise<unknown[]> {
  return (
    await back.pool.query(
      'select id::int, request, requested_by as by, requested_why as why from spandrel.held where request is not null order by id',
    )
  ).rows
}

test('list: what is held, by all services, with filters', async () => {
  expect(await run(['list'])).toEqual({ code: 0, stdout: 'nothing is held\n', stderr: '' })
  await holdProducer()
  await hold({ key: 'ann', dead: true, reason: 'threw', error: 'no such\n  person' })
  await hold({ key: 'ann', id: 'm-ann-2' })
  await hold({ key: 'ben', dead: true, reason: 'timeout' })
  expect(await run(['list'])).toEqual({
    code: 0,
    stderr: '',
    stdout: [
      'STATE    MESSAGE  TYPE     OPERATION          KEY  TRIED  SINCE    WHY',
      'dead     front/1  greeted  to pair.greetings       0      3 h      lacks "name"',
      'dead     back/1   greeted  back.hear          ann  2      5 min    no such person',
      'waiting  back/2   greeted  back.hear          ann  0      5 min',
      'dead     back/3   greeted  back.hear          ben  2      5 min    timeout',
      '',
      '4 messages: 3 dead, 1 waiting',
      '',
    ]
      .join('\n')
      .replaceAll('SINCE    WHY', 'SINCE  WHY')
      .replaceAll('3 h      l', '3 h    l')
      .replaceAll('5 min    ', '5 min  '),
  })
  const refs = async (...filters: string[]): Promise<string[]> =>
    (JSON.parse((await run(['list', '--json', ...filters])).stdout) as { messages: { ref: string }[] }).messages.map(
      (message) => message.ref,
    )
  expect(await refs('--state', 'waiting')).toEqual(['back/2'])
  expect(await refs('--reason', 'timeout')).toEqual(['back/3'])
  expect(await refs('--key', 'ann')).toEqual(['back/1', 'back/2'])
  expect(await refs('--operation', 'back.hear', '--state', 'dead')).toEqual(['back/1', 'back/3'])
  expect(await refs('--service', 'front')).toEqual(['front/1'])
  const limited = await run(['list', '--service', 'back', '--limit', '1'])
  expect(limited.stderr).toContain('2 more are not shown')
  expect((await run(['list', '--operation', 'heer'])).stderr).toBe(
    'error  no service receives heer\n  where  --operation\n  fix    did you mean hear?\n',
  )
})

test('list: a database that does not answer is named, without its password, and the others are looked into', async () => {
  await hold({ key: 'ann', dead: true })
  const { code, stdout, stderr } = await run(['list'], { FRONT_DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/front' })
  expect(code).toBe(0)
  expect(stdout).toContain('back/1')
  expect(stderr).toMatch(
    /^warning {2}front was not looked into: the database of front cannot be reached: .*ECONNREFUSED.*from FRONT_DATABASE_URL/,
  )
  expect(stderr).not.toContain('secret')
})

test('a database without our tables, and one that nobody knows', async () => {
  const empty = await testDatabase()
  expect(await run(['list', '--service', 'back', '--database', empty.url])).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error  the database of back has no tables of Spandrel\n  where  from --database\n  fix    run `spandrel migrate`\n',
  })
  const unknown = await spandrel(['messages', 'list'], { cwd: pair, env: { FRONT_DATABASE_URL: front.url } })
  expect(unknown).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error  no database is known for back\n  where  spandrel.yaml\n  fix    set BACK_DATABASE_URL, add `database` to the service in spandrel.yaml, or start `spandrel dev`\n',
  })
})

test('show: everything about one, by its reference or its own id', async () => {
  await hold({ key: 'ann', dead: true, reason: 'threw', error: 'no such person' })
  const shown = await run(['show', 'back/1'])
  expect(shown.code).toBe(0)
  expect(shown.stdout).toBe(`back/1  dead letter since 2026-01-02T03:04:05.000Z
  message       m-ann (greeted) from /pair/front
  channel       pair.greetings
  operation     hear
  ordering key  ann
  correlation   c-1
  tried         2 times
  why           threw
  error         no such person
  data
    {
      "name": "ann"
    }
`)
  expect(shown.stderr).toContain('next: spandrel messages replay back/1\n')
  expect((await run(['show', 'm-ann'])).stdout).toBe(shown.stdout)
  const document = JSON.parse((await run(['show', '1', '--service', 'back', '--json'])).stdout) as {
    messages: { data: unknown }[]
  }
  expect(document.messages[0]!.data).toEqual({ name: 'ann' })
  expect((await run(['show', '1'])).stderr).toBe(
    'error  1 alone could be a message of any service\n  where  1\n  fix    say front/1, or add --service\n',
  )
  expect((await run(['show', 'back/9'])).stderr).toContain('error  back/9 is not held\n')
  expect((await run(['show', 'bck/1'])).stderr).toContain('error  there is no service bck to look in\n')
})

test('replay and discard ask the owner, and the asking is recorded', async () => {
  await hold({ key: 'ann', dead: true })
  await hold({ key: 'ben', dead: true })
  const { code, stdout } = await run(['replay', 'back/1', '--by', 'eve', '--why', 'fixed'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'replay of back/1 asked for by eve\n' })
  const discarded = await run(['discard', 'm-ben', '--by', 'eve', '--why', 'test order', '--json'])
  expect(JSON.parse(discarded.stdout)).toEqual({ what: 'discard', by: 'eve', why: 'test order', asked: ['back/2'] })
  expect(await requests()).toEqual([
    { id: 1, request: 'replay', by: 'eve', why: 'fixed' },
    { id: 2, request: 'discard', by: 'eve', why: 'test order' },
  ])
  const { rows } = await back.pool.query('select kind, message_id, actor, why from spandrel.journal order by id')
  expect(rows).toEqual([
    { kind: 'replay-requested', message_id: 'm-ann', actor: 'eve', why: 'fixed' },
    { kind: 'discard-requested', message_id: 'm-ben', actor: 'eve', why: 'test order' },
  ])
  expect((await run(['list'])).stdout).toContain('[replay asked for]')
})

test('what waits is not replayed: one is refused with the head of its key, of several they are skipped', async () => {
  await hold({ key: 'ann', dead: true, reason: 'timeout' })
  await hold({ key: 'ann', id: 'm-ann-2' })
  await hold({ key: 'ann', id: 'm-ann-3' })
  await hold({ key: 'ben' })
  await hold({ key: 'ben', id: 'm-ben-2' })
  for (const reference of ['back/3', 'm-ann-3'])
    expect(await run(['replay', reference])).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error  back/3 waits behind back/1, an earlier message of its key\n  where  key ann\n' +
        '  fix    replay back/1 first, or --all --service back --key ann; what waits follows by itself\n',
    })
  // The head of this one is being tried again: `--all` would not choose it.
  expect((await run(['replay', 'back/5'])).stderr).toContain('replay back/4 first; what waits follows by itself')
  expect((await run(['replay', '--all', '--state', 'waiting'])).stdout).toBe('no message fits; nothing was done\n')
  expect(await requests()).toEqual([])

  const several = await run(['replay', '--all', '--key', 'ann', '--by', 'eve'])
  expect(several.stdout).toBe('replay of back/1 asked for by eve\n')
  expect(several.stderr).toContain('2 waiting messages skipped: each follows by itself')
  const named = await run(['replay', 'back/4', 'back/5', '--by', 'eve', '--json'])
  expect(JSON.parse(named.stdout)).toEqual({ what: 'replay', by: 'eve', why: null, asked: ['back/4'], waiting: 1 })
  expect(await requests()).toEqual([1, 4].map((id) => ({ id, request: 'replay', by: 'eve', why: null })))
  // To discard one that waits is fine.
  expect((await run(['discard', 'back/3', '--why', 'test order'])).code).toBe(0)
})

test('a discard needs a reason; several messages need a yes', async () => {
  for (const key of ['ann', 'ben', 'cay']) await hold({ key, dead: true, reason: 'timeout' })
  await hold({ key: 'ann', id: 'm-ann-2' })
  expect((await run(['discard', 'back/1'])).stderr).toContain("error  required option '--why <text>' not specified")
  expect((await run(['discard', 'back/1', '--why', ' '])).stderr).toContain('error  a discard needs a reason')
  expect((await run(['replay'])).stderr).toContain('error  which messages?')
  expect((await run(['replay', 'back/1', '--all'])).stderr).toContain(
    'error  --all and single messages do not go together',
  )
  const asked = await run(['replay', '--all'])
  expect(asked).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error  this concerns several messages, and nobody can be asked here: replay 3 messages (3 in back)?\n  where  no terminal\n  fix    add --yes if that is what you want\n',
  })
  expect(await requests()).toEqual([])
  expect((await run(['replay', '--all', '--limit', '1', '--by', 'eve'])).stdout).toBe(
    'replay of back/1 asked for by eve\n',
  )
  // What waits is not asked about: it follows the one before it.
  expect((await run(['replay', '--all', '--reason', 'timeout', '--yes', '--by', 'eve'])).stdout).toBe(
    'replay of 3 messages asked for by eve\n',
  )
  expect((await requests()).length).toBe(3)
  expect((await run(['discard', '--all', '--key', 'zoe', '--why', 'x'])).stdout).toBe(
    'no message fits; nothing was done\n',
  )
})

test('thousands are asked about, none left out', async () => {
  await back.pool.query(
    `insert into spandrel.held (subscription, channel, operation, partition, partitionkey, source, message_id, type, attributes, data, dead_at)
     select 'back:pair.greetings', 'pair.greetings', 'hear', 0, 'k' || n, '/pair/front', 'm' || n, 'greeted', '{}', '{}', now() from generate_series(1, 12001) n`,
  )
  expect((await run(['discard', '--all', '--why', 'flood', '--yes', '--by', 'eve'])).stdout).toBe(
    'discard of 12001 messages asked for by eve\n',
  )
  const { rows } = await back.pool.query("select count(*)::int as n from spandrel.held where request = 'discard'")
  expect(rows).toEqual([{ n: 12001 }])
})
