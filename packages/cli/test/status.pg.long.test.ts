import { createService } from '@spandrel/runtime'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testDatabase } from '../../../test/postgres.ts'
import { needsOf } from '../src/status/needs.ts'
import type { ServiceState } from '../src/status/service-state.ts'
import { type SystemStatus } from '../src/status/system-status.ts'
import { foreignContract } from '../src/serve/foreign-contract.ts'
import { openSystem } from '../src/system/open-system.ts'
import { DatabaseLink, pair, pairFolder, publish, receiver } from './pair.ts'
import { type Ran, spandrel, startSpandrel } from './spandrel.ts'
import { until } from './waiting.ts'

// Every command is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

type Told = SystemStatus & { needs: { about: string; what: string; do: string }[] }

function status(env: Record<string, string | undefined>, ...args: string[]): Promise<Ran> {
  return spandrel(['status', ...args], { cwd: pairFolder, env })
}

async function told(
  env: Record<string, string | undefined>,
  ...args: string[]
): Promise<{ code: number | null } & Told> {
  const { code, stdout } = await status(env, '--json', ...args)
  return { code, ...(JSON.parse(stdout) as Told) }
}

function serve(env: Record<string, string>, ...args: string[]): void {
  const running = startSpandrel(['serve', ...args], { cwd: pairFolder, env })
  onTestFinished(async () => {
    running.child.kill('SIGTERM')
    await running.done
  })
}

test('a system that is well: 0, and what was looked at; then a dead letter: 1, and what to do', async () => {
  const system = await pair()
  const to = await receiver()
  const env = { ...system.env, FRONT_URL: to.url, BACK_URL: to.url }
  serve(env, 'relay', 'push')
  await publish(system, 'ann')
  await until('the message', () => to.heard.length === 1)
  const well = await until(
    'all to be well',
    async () => {
      const ran = await status(env)
      return ran.code === 0 && / up to date, 8 of 8 read /.test(ran.stdout) ? ran : undefined
    },
    60_000,
  )
  expect(well.stderr).toBe('')
  expect(well.stdout).toMatch(
    /^front +answers +schema \d+ +empty +works \([0-9a-f]{8}\), sent [\d.]+ \S+ ago +– +none +/m,
  )
  expect(well.stdout).toMatch(/^back +answers +schema \d+ +– +– +up to date, 8 of 8 read +none +/m)
  expect(well.stdout).toMatch(/^stream +– +ok +full to 0 %$/m)
  expect(well.stdout).toContain('nothing needs a person: 2 services, 2 of 2 databases looked into\n')

  await publish(system, 'nobody', 'nobody')
  await until('the dead letter', async () => {
    const { rows } = await system.back.pool.query(`select 1 from spandrel.held where dead_at is not null`)
    return rows.length === 1
  })
  await until('what is behind it to wait', async () => (await status(env)).stdout.includes('1 dead, 1 waiting'))
  const { code, stdout } = await status(env)
  expect(code).toBe(1)
  expect(stdout).toMatch(
    /^ {2}back: 1 dead letter of back\.hear, the oldest for [\d.]+ s\n {4}do {3}spandrel messages list --service back --state dead$/m,
  )
  expect((await status(env, '--service', 'front')).code).toBe(0)
})

test('nobody relays, nobody reads, a partition has stopped, a channel is full', async () => {
  const system = await pair()
  const to = await receiver()
  const env = { ...system.env, FRONT_URL: to.url, BACK_URL: to.url }
  await publish(system, 'ann')
  expect((await told(env)).needs).toEqual([])
  // Time passes: the rows are of an hour ago.
  await system.front.pool.query(
    `update spandrel.outbox set attributes = jsonb_set(attributes::jsonb, '{time}',
       to_jsonb(to_char(clock_timestamp() at time zone 'utc' - interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))::text`,
  )
  expect(await told(env)).toMatchObject({
    code: 1,
    needs: [
      {
        about: 'front',
        what: '1 message unsent, the oldest for 60 min, and no relay works',
        do: 'run `spandrel serve relay --service front`',
      },
    ],
  })
  serve(env, 'relay')
  await until('the message to be sent', async () => (await told(env)).needs.length === 0, 60_000)
  const lag = (await told(env)).services.find(({ name }) => name === 'back')?.lag
  expect(lag).toMatchObject([{ subscription: 'back:pair.greetings', behind: 1 }])
  await system.stream.pool.query(`update spandrel_stream.log set appended_at = appended_at - interval '1 hour'`)
  await system.stream.pool.query('update spandrel_stream.channels set max_messages = 8')
  await system.back.pool.query(
    `insert into spandrel.partitions (subscription, partition, stopped) values ('back:pair.greetings', 7, 'incarnation-changed')
     on conflict (subscription, partition) do update set stopped = excluded.stopped`,
  )
  const { needs } = await told(env)
  expect(needs.map(({ about, what }) => `${about}: ${what}`)).toEqual([
    'back: back:pair.greetings, partition 7 has stopped: incarnation-changed',
    'back: back:pair.greetings is 1 message behind, the oldest for 60 min, and nobody reads',
    'stream: channel pair.greetings is full: outboxes wait',
  ])
})

test('what is away is named, with its password hidden, and the rest is shown', async () => {
  const system = await pair()
  const to = await receiver()
  const empty = await testDatabase()
  const { code, stdout, stderr } = await status({
    ...system.env,
    FRONT_URL: 'http://127.0.0.1:9',
    FRONT_DATABASE_URL: 'postgres://me:s3cret@127.0.0.1:9/front',
    BACK_URL: to.url,
    SPANDREL_TRANSPORT_URL: empty.url,
  })
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(stdout).toMatch(/^front +unreachable +away$/m)
  expect(stdout).toMatch(/^back +answers +schema \d+/m)
  expect(stdout).toMatch(/^stream +– +away$/m)
  expect(stdout).toContain('front: cannot be reached at http://127.0.0.1:9')
  expect(stdout).toMatch(/front: the database of front cannot be reached: .*ECONNREFUSED.*me:\*\*\*@/)
  expect(stdout).toMatch(/stream: .*no schema spandrel_stream.*\n {4}do {3}run `spandrel migrate`/)
  expect(stdout).not.toContain('s3cret')
  expect(stdout).toContain('3 things to do: 2 services, 1 of 2 databases looked into')
  const missing = await told({ ...system.env, BACK_DATABASE_URL: undefined, SPANDREL_TRANSPORT_URL: undefined })
  expect(missing.needs.map(({ do: todo }) => todo).join('\n')).toMatch(
    /set BACK_DATABASE_URL[\s\S]*set SPANDREL_TRANSPORT_URL/,
  )
  const nothing = 'postgres://postgres@127.0.0.1:9/x'
  const away = { FRONT_DATABASE_URL: nothing, BACK_DATABASE_URL: nothing, SPANDREL_TRANSPORT_URL: nothing }
  expect((await status({ ...system.env, ...away })).code).toBe(2)
})

test('a database that stops answering is named, and the rest is shown', async () => {
  const { env, front } = await pair()
  const link = new DatabaseLink(front.url)
  await link.mend()
  link.freezeAt('xact_start')
  const { code, services, needs } = await told({ ...env, FRONT_DATABASE_URL: link.url })
  expect(link.frozen).toBe(true)
  expect(code).toBe(1)
  expect(services.map(({ name, database }) => [name, database !== undefined && 'what' in database])).toEqual([
    ['front', true],
    ['back', false],
  ])
  expect(needs.map(({ what }) => what)).toContainEqual(
    expect.stringMatching(/^the database of front stopped answering: /) as string,
  )
})

test('a service on the runtime: ready, then failing while its database is away; its health only with the token', async () => {
  const system = await pair()
  const link = new DatabaseLink(system.back.url)
  await link.mend()
  const pool = new pg.Pool({ connectionString: link.url, connectionTimeoutMillis: 2000 })
  pool.on('error', () => {})
  const contract = await foreignContract(await openSystem(`${pairFolder}/spandrel.yaml`), 'back')
  const service = createService(contract, {
    database: pool,
    transport: system.stream.url,
    handlers: { hear: async () => {} } as never,
    managementToken: 't0ken',
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const { url } = await service.listen({ port: 0 })
  onTestFinished(async () => {
    await service.close({ deadlineMs: 1000 })
    await pool.end()
  })
  const env = { ...system.env, BACK_URL: url, SPANDREL_MANAGEMENT_TOKEN: 't0ken' }
  const http = async (more: Record<string, string> = {}): Promise<object | undefined> =>
    (await told({ ...env, ...more }, '--service', 'back')).services[0]?.http
  expect(await http()).toEqual({ url, state: 'ready', health: 'ok' })
  expect(await http({ SPANDREL_MANAGEMENT_TOKEN: 'wrong' })).toMatchObject({
    state: 'ready',
    why: expect.any(String) as string,
  })
  link.cut()
  await until('health to say so', () => service.health().status === 'failing')
  const { code, needs } = await told(env, '--service', 'back')
  expect(code).toBe(1)
  expect(needs.map(({ what }) => what).join('\n')).toMatch(/its consumer is failing: /)
})

test('a transaction that is open is shown, and needs a person after a minute', async () => {
  const system = await pair()
  const client = await system.front.pool.connect()
  await client.query('begin; select 1')
  try {
    const { services } = await told(system.env, '--service', 'front')
    const state = services[0]?.database as ServiceState
    expect(state.openTransaction).toMatchObject({ state: 'idle in transaction' })
    const old = { ...state, openTransaction: { ...state.openTransaction!, seconds: 61 } }
    const needs = needsOf({ system: 'pair', services: [{ ...services[0]!, database: old }] })
    expect(needs.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/^a transaction has been open for 61 s \(/),
    )
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('a service that does not exist is refused', async () => {
  const { code, stderr } = await status({}, '--service', 'frnt')
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean front?') as string })
})
