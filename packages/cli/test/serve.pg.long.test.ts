import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testDatabase } from '../../../test/postgres.ts'
import { DatabaseLink, pair, type Pair, pairFolder, publish, receiver } from './pair.ts'
import { type Running, spandrel, startSpandrel } from './spandrel.ts'
import { alive, until } from './waiting.ts'

// Every command is a process; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

function serve(env: Record<string, string>, ...args: string[]): Running {
  const running = startSpandrel(['serve', ...args], { cwd: pairFolder, env })
  onTestFinished(async () => {
    running.child.kill('SIGKILL')
    await running.done
  })
  return running
}

/** A line of the log that says this. */
function line(running: Running, message: string): Promise<Record<string, unknown>> {
  return until(`"${message}" in the log`, () => {
    if (running.child.exitCode !== null) throw new Error(`it ended:\n${running.text.stdout}${running.text.stderr}`)
    return log(running).find(({ msg }) => String(msg).startsWith(message))
  })
}

function log({ text }: Running): Record<string, unknown>[] {
  return text.stdout
    .split('\n')
    .slice(0, -1)
    .map((one) => JSON.parse(one) as Record<string, unknown>)
}

async function management(running: Running): Promise<string> {
  return String((await line(running, 'health and metrics'))['url'])
}

interface Health {
  status: string
  services: Record<string, { status: string; loops: Record<string, { gauges: Record<string, number> }> }>
}

async function health(running: Running): Promise<Health> {
  return (await (await fetch(`${await management(running)}health`)).json()) as Health
}

/** What the receiver's database says it has done with. */
async function handled({ back }: Pair): Promise<number> {
  const { rows } = await back.pool.query<{ n: number }>(
    `select count(*)::int as n from spandrel.inbox where outcome = 'handled'`,
  )
  return rows[0]?.n ?? 0
}

test('relay and push: messages arrive; health, metrics; SIGTERM ends it with 0', async () => {
  const { env, ...databases } = await pair()
  const to = await receiver()
  const running = serve(
    { ...env, BACK_URL: to.url, BACK_EVENTS_AUTHORIZATION: 'Bearer s3cret-of-back' },
    'relay',
    'push',
  )
  await publish({ env, ...databases }, 'ann', 'bob')
  await until('both messages', () => to.heard.length === 2)
  expect(to.heard.map(({ name, authorization }) => `${name} ${authorization}`).sort()).toEqual([
    'ann Bearer s3cret-of-back',
    'bob Bearer s3cret-of-back',
  ])
  await line(running, 'serving')
  const at = await management(running)
  await until('ready', async () => (await fetch(`${at}ready`)).status === 200)
  expect(await health(running)).toMatchObject({
    status: 'ok',
    services: { front: { status: 'ok', loops: { relay: {}, expiry: {} } }, back: { loops: { consumer: {} } } },
  })
  const metrics = await (await fetch(`${at}metrics`)).text()
  expect(metrics).toMatch(/^spandrel_relay_sent\{service="front"\} 2$/m)
  expect(metrics).toMatch(/^# HELP spandrel_consumer_held_dead Dead letters held by this service$/m)
  expect((await fetch(`${at}metrics`, { headers: { 'x-forwarded-for': '10.0.0.1' } })).status).toBe(403)
  running.child.kill('SIGTERM')
  const { code, stderr, stdout } = await running.done
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(log(running).at(-1)).toMatchObject({ msg: 'stopped' })
  expect(stdout).not.toContain('s3cret')
})

test('killed in the middle of its work: the next one goes on, and nothing is lost', async () => {
  const system = await pair()
  const to = await receiver()
  let open = (): void => {}
  to.gate = new Promise((resolve) => (open = resolve))
  const env = { ...system.env, BACK_URL: to.url }
  const names = Array.from({ length: 40 }, (_, index) => `n${index}`)
  const first = serve(env, 'relay', 'push')
  await publish(system, ...names)
  await until('requests under way', () => to.heard.length >= 5)
  first.child.kill('SIGKILL')
  await first.done
  expect(await handled(system)).toBeLessThan(40)
  open()
  const second = serve(env, 'relay', 'push')
  await until('all of them', async () => (await handled(system)) === 40, 60_000)
  expect(new Set(to.heard.map(({ name }) => name)).size).toBe(40)
  expect((await health(second)).services['back']?.loops['consumer']?.gauges).toMatchObject({ heldDead: 0 })
})

test('SIGTERM: what is under way ends, and is not sent again', async () => {
  const system = await pair()
  const to = await receiver()
  let open = (): void => {}
  to.gate = new Promise((resolve) => (open = resolve))
  const running = serve({ ...system.env, BACK_URL: to.url }, 'relay', 'push')
  await publish(system, 'ann')
  await until('the request', () => to.heard.length === 1)
  running.child.kill('SIGTERM')
  await line(running, 'stopping')
  open()
  expect((await running.done).code).toBe(0)
  expect(await handled(system)).toBe(1)
  expect(to.heard).toHaveLength(1)
})

test('one wish to stop that arrives twice, as Ctrl-C does under npm: what is under way ends all the same', async () => {
  const system = await pair()
  const to = await receiver()
  let open = (): void => {}
  to.gate = new Promise((resolve) => (open = resolve))
  const running = serve({ ...system.env, BACK_URL: to.url }, 'relay', 'push')
  await publish(system, 'ann')
  await until('the request', () => to.heard.length === 1)
  running.child.kill('SIGINT')
  running.child.kill('SIGTERM')
  await line(running, 'stopping')
  open()
  expect((await running.done).code).toBe(0)
  expect(await handled(system)).toBe(1)
})

test('a database that never answers: the deadline ends it all the same, with 1', async () => {
  const { env, front } = await pair()
  const link = new DatabaseLink(front.url)
  await link.mend()
  const running = serve({ ...env, FRONT_DATABASE_URL: link.url, SPANDREL_DRAIN_MS: '300' }, 'relay')
  await line(running, 'serving')
  link.freeze()
  const asked = performance.now()
  running.child.kill('SIGTERM')
  expect((await running.done).code).toBe(1)
  expect(performance.now() - asked).toBeLessThan(10_000)
  expect(log(running).at(-1)?.['msg']).toContain('the deadline cut off')
})

test('a database that hangs, from the first statement on or later: not ready at once, and failing within seconds', async () => {
  const system = await pair()
  const to = await receiver()
  // What is asked of these tables gets no answer; connections and everything else do.
  const hang = async ({ pool }: Pair['front'], table: string): Promise<() => Promise<boolean>> => {
    const client = await pool.connect()
    onTestFinished(() => client.release(true))
    await client.query(`begin; lock table ${table}`)
    return async () => (await client.query('select 1 from pg_locks where not granted')).rows.length > 0
  }
  const frontHangs = await hang(system.front, 'spandrel.leases')
  const relay = serve(system.env, 'relay')
  const push = serve({ ...system.env, BACK_URL: to.url }, 'push')
  const ready = async (one: Running): Promise<number> => (await fetch(`${await management(one)}ready`)).status
  await line(relay, 'serving')
  await until('a statement without an answer', frontHangs)
  expect(await ready(relay)).toBe(503)
  expect(await health(relay)).toMatchObject({
    status: 'starting',
    services: { front: { waitingFor: 'an answer to the relay', loops: { relay: { lastSuccess: null } } } },
  })
  await until('push to be ready', async () => (await ready(push)) === 200)
  const backHangs = await hang(system.back, 'spandrel.partitions')
  await until('a statement without an answer', backHangs)
  // Long before a driver gives up and there is an error.
  for (const [one, service, loop] of [
    [relay, 'front', 'relay'],
    [push, 'back', 'consumer'],
  ] as const) {
    const failing = await until(
      `${service} to be failing`,
      async () => {
        const found = await health(one)
        return found.status === 'failing' ? found : undefined
      },
      25_000,
    )
    expect(failing).toMatchObject({
      services: { [service]: { waitingFor: `an answer to the ${loop}`, loops: { [loop]: { lastError: null } } } },
    })
    expect(await ready(one)).toBe(503)
  }
})

test('a deadline that passes: 1, and the next one does the rest', async () => {
  const system = await pair()
  const to = await receiver()
  let open = (): void => {}
  to.gate = new Promise((resolve) => (open = resolve))
  const env = { ...system.env, BACK_URL: to.url }
  const running = serve({ ...env, SPANDREL_DRAIN_MS: '300' }, 'push')
  const relay = serve(env, 'relay')
  await publish(system, 'ann')
  await until('the request', () => to.heard.length === 1)
  running.child.kill('SIGTERM')
  expect((await running.done).code).toBe(1)
  expect(await handled(system)).toBe(0)
  open()
  serve(env, 'push')
  await until('it to be handled', async () => (await handled(system)) === 1, 60_000)
  relay.child.kill('SIGTERM')
  expect((await relay.done).code).toBe(0)
})

test('two replicas share the work, and one takes over when the other is killed', async () => {
  const system = await pair()
  const to = await receiver()
  const env = { ...system.env, BACK_URL: to.url }
  const both = [serve(env, 'relay', 'push'), serve(env, 'relay', 'push')] as const
  const owned = async (one: Running): Promise<number> =>
    (await health(one)).services['back']?.loops['consumer']?.gauges['partitionsOwned'] ?? 0
  await until(
    'both to own partitions',
    async () => (await owned(both[0])) === 4 && (await owned(both[1])) === 4,
    60_000,
  )
  const leases = await Promise.all(
    both.map(async (one) => (await health(one)).services['front']?.loops['relay']?.gauges['holdsLease']),
  )
  expect(leases.toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 1])
  await publish(system, ...Array.from({ length: 30 }, (_, index) => `n${index}`))
  await until('all of them', async () => (await handled(system)) === 30, 60_000)
  expect(to.heard).toHaveLength(30)
  both[0].child.kill('SIGKILL')
  await publish(system, ...Array.from({ length: 30 }, (_, index) => `m${index}`))
  await until('all of them again', async () => (await handled(system)) === 60, 60_000)
  expect(await owned(both[1])).toBe(8)
})

test('a database that is away, at the start and in between: it waits, says so, and goes on', async () => {
  const system = await pair()
  const to = await receiver()
  const link = new DatabaseLink(system.front.url)
  await link.mend()
  const url = link.url.replace('postgres@', 'postgres:pa55word@')
  link.cut()
  const running = serve({ ...system.env, FRONT_DATABASE_URL: url, BACK_URL: to.url }, 'relay', 'push')
  const at = await management(running)
  await line(running, 'waiting for the databases of front')
  expect((await fetch(`${at}live`)).status).toBe(200)
  expect((await fetch(`${at}ready`)).status).toBe(503)
  expect(await health(running)).toMatchObject({
    status: 'starting',
    services: { front: { status: 'starting', waitingFor: expect.stringContaining('ECONNREFUSED') as string } },
  })
  await publish(system, 'ann')
  await link.mend()
  await until('the first message', () => to.heard.length === 1, 60_000)
  await until('ready', async () => (await fetch(`${at}ready`)).status === 200)
  link.cut()
  await until('health to say so', async () => (await health(running)).services['front']?.status === 'failing', 30_000)
  expect((await fetch(`${at}ready`)).status).toBe(503)
  await publish(system, 'bob')
  await link.mend()
  await until('the second message', () => to.heard.length === 2, 60_000)
  await until('health to be well', async () => (await health(running)).status === 'ok', 30_000)
  running.child.kill('SIGTERM')
  const { code, stdout } = await running.done
  expect(code).toBe(0)
  expect(log(running).length).toBeGreaterThan(3)
  expect(stdout).not.toContain('pa55word')
})

test('SIGTERM while it waits for a database: 0 at once', async () => {
  const { env } = await pair()
  const running = serve({ ...env, FRONT_DATABASE_URL: 'postgres://postgres@127.0.0.1:9/front' }, 'relay')
  await line(running, 'waiting for the databases of front')
  running.child.kill('SIGTERM')
  expect((await running.done).code).toBe(0)
})

test('what no waiting mends is refused with the fix, and 2', async () => {
  const { env, front } = await pair()
  const empty = await testDatabase()
  const refused = async (more: Record<string, string | undefined>, ...args: string[]): Promise<string> => {
    const { code, stderr } = await spandrel(['serve', ...args], { cwd: pairFolder, env: { ...env, ...more } })
    expect(code).toBe(2)
    expect(stderr).toMatch(/^ {2}fix {4}\S/m)
    return stderr
  }
  expect(await refused({ FRONT_DATABASE_URL: empty.url }, 'relay')).toMatch(/no schema spandrel[\s\S]*spandrel migrate/)
  expect(await refused({ SPANDREL_TRANSPORT_URL: empty.url }, 'relay')).toMatch(
    /spandrel_stream[\s\S]*spandrel migrate/,
  )
  expect(await refused({ FRONT_DATABASE_URL: env['BACK_DATABASE_URL']! }, 'relay')).toContain('belongs to service back')
  expect(await refused({ FRONT_DATABASE_URL: `${front.url}x` }, 'relay')).toMatch(
    /does not exist[\s\S]*connection string/,
  )
  expect(await refused({ FRONT_DATABASE_URL: undefined }, 'relay')).toContain('set FRONT_DATABASE_URL')
  expect(await refused({ SPANDREL_TRANSPORT_URL: undefined }, 'relay')).toContain('set SPANDREL_TRANSPORT_URL')
  expect(await refused({}, 'relai')).toContain('did you mean relay?')
  expect(await refused({}, 'push', '--service', 'front')).toContain('front has nothing to carry')
  const missing = (url: string): string => `${url}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`
  expect(await refused({ FRONT_DATABASE_URL: missing(front.url) }, 'relay')).toMatch(
    /^error {2}the sslrootcert of the database of front cannot be read: ENOENT.*\n {2}where {2}\/nowhere\/ca\.pem\n {2}fix .*FRONT_DATABASE_URL/,
  )
  for (const [name, part] of [
    ['SPANDREL_TRANSPORT_URL', 'relay'],
    ['GATEWAY_DATABASE_URL', 'gateway'],
  ] as const)
    expect(await refused({ [name]: missing(front.url) }, part)).toContain(`\`sslrootcert\` in ${name}`)
  expect(await refused({ SPANDREL_DRAIN_MS: 'soon' }, 'relay')).toContain('"soon" is no number for SPANDREL_DRAIN_MS')
  expect(await refused({ LOG_LEVEL: 'loud' }, 'relay')).toContain('LOG_LEVEL is "loud"')
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await until('the port', () => server.listening)
  const { port } = server.address() as AddressInfo
  expect(await refused({}, 'relay', '--management-port', String(port))).toContain('EADDRINUSE')
})

test('a management token: without it neither health nor metrics', async () => {
  const { env } = await pair()
  const running = serve({ ...env, SPANDREL_MANAGEMENT_TOKEN: 't0ken' }, 'relay')
  const at = await management(running)
  expect((await fetch(`${at}health`)).status).toBe(401)
  expect((await fetch(`${at}health`, { headers: { authorization: 'Bearer t0ken' } })).status).toBe(200)
  expect(running.text.stdout).not.toContain('t0ken')
})

test('all: the gateway and what is carried, as two processes; either end ends both', async () => {
  const system = await pair()
  const to = await receiver()
  const running = serve({ ...system.env, BACK_URL: to.url })
  const { url } = await line(running, 'gateway ready')
  await line(running, 'serving')
  expect((await fetch(`${String(url)}/.spandrel/ready`)).status).toBe(200)
  await publish(system, 'ann')
  await until('the message', () => to.heard.length === 1)
  running.child.kill('SIGTERM')
  expect((await running.done).code).toBe(0)
  const shapes = new Set(log(running).map((one) => Object.keys(one).slice(0, 4).join(' ')))
  expect([...shapes]).toEqual(['level time pid name'])
  expect(new Set(log(running).map(({ name }) => name))).toEqual(new Set(['gateway', 'messages']))

  const again = serve(system.env)
  const { pid } = await line(again, 'gateway ready')
  await line(again, 'serving')
  process.kill(Number(pid), 'SIGKILL')
  expect((await again.done).code).toBe(1)
  expect(log(again).at(-1)).toMatchObject({ msg: 'stopped' })
})

test('all, and the process above is killed: the two below it end in order', async () => {
  const { env } = await pair()
  const running = startSpandrel(['serve'], { cwd: pairFolder, env })
  const { pid, url } = await line(running, 'gateway ready')
  await line(running, 'serving')
  running.child.kill('SIGKILL')
  // The two hold its standard output: that is closed when both have ended.
  await running.done
  expect(alive(Number(pid))).toBe(false)
  await expect(fetch(String(url))).rejects.toThrow('fetch failed')
  expect(log(running).map(({ msg }) => msg)).toEqual(expect.arrayContaining(['gateway stopped', 'stopped']))
})
