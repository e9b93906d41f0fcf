import { randomUUID } from 'node:crypto'
import { chmod, cp, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createServer } from 'node:http'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../src/embedded/index.ts'
import { type Running, spandrel, startSpandrel } from './spandrel.ts'
import { alive, until } from './waiting.ts'

const fixture = fileURLToPath(new URL('fixtures/pair', import.meta.url))
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const cleanup: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of cleanup.splice(0).toReversed()) await one()
})

interface Project {
  folder: string
  env: Record<string, string>
  url: { gateway: string; front: string; back: string }
}

/** A copy of the fixture of its own, on ports of its own. */
async function project(): Promise<Project> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'spandrel-dev-')))
  // A guardian whose starter was killed needs a moment to end its server.
  cleanup.push(() => rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 }))
  // Where the tests run as root, the server runs as somebody who must get in.
  await chmod(folder, 0o755)
  await cp(fixture, folder, { recursive: true })
  await symlink(modules, join(folder, 'node_modules'))
  const [gateway, front, back] = [await freePort(), await freePort(), await freePort()]
  const at = (port: number): string => `http://127.0.0.1:${port}`
  return {
    folder,
    env: { GATEWAY_PORT: String(gateway), FRONT_URL: at(front), BACK_URL: at(back) },
    url: { gateway: at(gateway), front: at(front), back: at(back) },
  }
}

function dev({ folder, env }: Project, ...args: string[]): Running {
  const running = startSpandrel(['dev', ...args], { cwd: folder, env })
  cleanup.push(async () => {
    // Asked, not killed: it takes its Postgres along before it ends.
    running.child.kill('SIGTERM')
    await running.done
  })
  return running
}

function said(running: Running, words: string | RegExp): Promise<string> {
  return until(
    `${String(words)} in the log`,
    () => {
      if (running.child.exitCode !== null) throw new Error(`it ended:\n${running.text.stdout}${running.text.stderr}`)
      const { stdout } = running.text
      return (typeof words === 'string' ? stdout.includes(words) : words.test(stdout)) && stdout
    },
    40_000,
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}\n${running.text.stdout}${running.text.stderr}`)
  })
}

async function json<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T
}

/** Every process `dev` started, by its log. */
function startedPids(log: string): number[] {
  return [...log.matchAll(/started, process (\d+)/g)].map((match) => Number(match[1]))
}

async function postmaster(folder: string): Promise<number> {
  return Number((await readFile(join(folder, '.spandrel/postgres/cluster/postmaster.pid'), 'utf8')).split('\n')[0])
}

function greet(at: string, body: unknown, correlation: string = randomUUID()): Promise<Response> {
  return fetch(`${at}/greetings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'correlation-id': correlation },
    body: JSON.stringify(body),
  })
}

test(
  'dev runs everything, restarts what changed or crashed, and ends without a trace',
  { timeout: 120_000 },
  async () => {
    const system = await project()
    const running = dev(system)
    const log = await said(running, 'pair is up after')
    // Everybody is aligned.
    const columns = new Set(
      log
        .split('\n')
        .filter((line) => / (?:front|back|gateway|spandrel|\w+ sidecar) +│/.test(line))
        .map((line) => line.indexOf('│')),
    )
    expect([...columns]).toHaveLength(1)
    await said(running, `gateway  ${system.url.gateway}\n`)

    // The environment of a service: its own things, everybody's addresses, nobody else's database.
    const { env, pid } = await json<{ env: Record<string, string>; pid: number }>(`${system.url.front}/env`)
    const state = JSON.parse(await readFile(join(system.folder, '.spandrel/dev.json'), 'utf8')) as {
      services: Record<string, { database: string }>
      transport: string
    }
    expect(env).toMatchObject({
      PORT: new URL(system.url.front).port,
      DATABASE_URL: state.services['front']!.database,
      SPANDREL_TRANSPORT_URL: state.transport,
      BACK_URL: system.url.back,
      SPANDREL_GATEWAY_URL: system.url.gateway,
      SPANDREL_TRUST_CALLER: '1',
    })
    expect(Object.values(env)).not.toContain(state.services['back']!.database)
    expect((await stat(join(system.folder, '.spandrel/dev.json'))).mode & 0o077).toBe(0)

    // The gateway stands before it, validating by the contract.
    expect((await greet(system.url.gateway, { name: 'ann' })).status).toBe(202)
    expect((await greet(system.url.gateway, { name: '' })).status).toBe(400)
    await said(running, 'greeted  name=ann')

    // A second one in the same place is refused.
    const second = await spandrel(['dev'], { cwd: system.folder, env: system.env })
    expect(second.code).toBe(2)
    expect(second.stderr).toContain(`already runs for pair, as process ${running.child.pid}`)

    // A crash is told and mended.
    await fetch(`${system.url.front}/crash`).catch(() => {})
    await said(running, 'ended with code 7; starting it again in 0.2 s')
    const next = await until('the next front', async () => {
      const found = await json<{ pid: number }>(`${system.url.front}/env`).catch(() => undefined)
      return found && found.pid !== pid && found.pid
    })

    // A changed source restarts its service, and no other.
    const back = await json<{ pid: number }>(`${system.url.back}/heard`)
    const source = await readFile(join(system.folder, 'front/main.mjs'), 'utf8')
    await writeFile(join(system.folder, 'front/main.mjs'), source.replace("log('greeted'", "log('greeted again'"))
    await said(running, 'main.mjs changed; restarting')
    await until('the changed front', async () => {
      const found = await json<{ pid: number }>(`${system.url.front}/env`).catch(() => undefined)
      return found && found.pid !== next
    })
    expect((await greet(system.url.gateway, { name: 'ben' })).status).toBe(202)
    await said(running, 'greeted again  name=ben')
    expect((await json<{ pid: number }>(`${system.url.back}/heard`)).pid).toBe(back.pid)

    // A changed contract is generated, and the gateway keeps it.
    const contract = await readFile(join(system.folder, 'front/front.openapi.yaml'), 'utf8')
    await writeFile(join(system.folder, 'front/front.openapi.yaml'), contract.replace('minLength: 1', 'minLength: 5'))
    await said(
      running,
      /front\.openapi\.yaml changed; reading the contracts again[\s\S]*generated front\/front\.contract\.ts/,
    )
    await until('the new rule', async () => {
      const answer = await greet(system.url.gateway, { name: 'ann' }).catch(() => undefined)
      return answer?.status === 400
    })
    expect(await readFile(join(system.folder, 'front/front.contract.ts'), 'utf8')).toContain('5')

    // A broken one is told with its place; what runs goes on.
    await writeFile(
      join(system.folder, 'front/front.openapi.yaml'),
      contract.replace('operationId: greet', 'operationId: [greet]'),
    )
    await said(running, /front\.openapi\.yaml:\d+:\d+ {2}error/)
    await said(running, 'everything keeps running as before')
    expect((await greet(system.url.front, { name: 'eve' })).status).toBe(202)

    // A server that was killed comes back, with what was committed.
    process.kill(await postmaster(system.folder), 'SIGKILL')
    await said(running, 'PostgreSQL is up again')
    await until('greetings to be taken again', async () => {
      const answer = await greet(system.url.front, { name: 'fay' }).catch(() => undefined)
      return answer?.status === 202
    })

    const pids = startedPids(running.text.stdout)
    const server = await postmaster(system.folder)
    running.child.kill('SIGINT')
    const { code, stdout, stderr } = await running.done
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('front says goodbye')
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/spandrel +│ everything has ended$/)
    expect([...pids, server].filter(alive)).toEqual([])
    await expect(stat(join(system.folder, '.spandrel/dev.json'))).rejects.toThrow('ENOENT')
  },
)

test(
  'killed with SIGKILL, dev takes everything along; the next one starts on what was left, with its data',
  { timeout: 120_000 },
  async () => {
    const system = await project()
    const first = dev(system)
    await said(first, 'pair is up after')
    expect((await greet(system.url.gateway, { name: 'ann' })).status).toBe(202)
    const pids = [...startedPids(first.text.stdout), await postmaster(system.folder)]
    expect(pids.length).toBeGreaterThanOrEqual(4)
    expect(pids.filter((pid) => !alive(pid))).toEqual([])
    first.child.kill('SIGKILL')
    await first.done
    // Not waited for: the next one must cope with what is still on its way out.
    const second = dev(system)
    await said(second, 'pair is up after')
    await until('the old processes to be gone', () => pids.every((pid) => !alive(pid)))
    const { services } = JSON.parse(await readFile(join(system.folder, '.spandrel/dev.json'), 'utf8')) as {
      services: Record<string, { database: string }>
    }
    const client = new pg.Client(services['front']!.database)
    await client.connect()
    expect((await client.query('select name from greetings')).rows).toEqual([{ name: 'ann' }])
    await client.end()
    second.child.kill('SIGTERM')
    expect((await second.done).code).toBe(0)
  },
)

test(
  'dev carries messages of services without our code, and the other commands see them',
  { timeout: 180_000 },
  async () => {
    const system = await project()
    const running = dev(system)
    await said(running, 'pair is up after')
    const run = (...args: string[]) => spandrel(args, { cwd: system.folder, env: system.env })
    expect((await greet(system.url.gateway, { name: 'ann' }, 'c-ann')).status).toBe(202)
    expect((await greet(system.url.gateway, { name: 'nobody' }, 'c-nobody')).status).toBe(202)
    const heard = await until('the message to arrive', async () => {
      const found = await json<{ heard: { name: string; correlation: string }[] }>(`${system.url.back}/heard`)
      return found.heard[0]
    })
    expect(heard).toMatchObject({ name: 'ann', correlation: 'c-ann' })

    const times = (text: string): string => text.replaceAll(/(\+|after )[\d.]+ (?:m?s|min)/g, '$1T')
    const journey = await until(
      'the journey',
      async () => {
        const { stdout } = await run('journey', 'c-ann')
        return stdout.includes('hello ann') && stdout
      },
      60_000,
    )
    expect(times(journey)).toBe('correlation c-ann\n└─ greeted → back.hear  +T … +T\n   └─ → hello ann  +T\n')
    // By what it was about, too.
    expect(times((await run('journey', 'ann')).stdout)).toContain('name ann · correlation c-ann\n')

    const dead = await until(
      'the dead letter',
      async () => {
        const { stdout } = await run('messages', 'list', '--state', 'dead', '--json')
        return (JSON.parse(stdout) as { messages: { ref: string }[] }).messages[0]
      },
      60_000,
    )
    expect((await run('messages', 'replay', dead.ref, '--by', 'eve')).code).toBe(0)
    await until(
      'the replay to have failed again',
      async () => {
        const { stdout } = await run('journey', 'c-nobody')
        return (stdout.match(/became a dead letter/g) ?? []).length === 2
      },
      60_000,
    )
    expect((await run('messages', 'discard', dead.ref, '--by', 'eve', '--why', 'there is no such person')).code).toBe(0)
    await until(
      'nothing to be held',
      async () => (await run('messages', 'list')).stdout === 'nothing is held\n',
      60_000,
    )
    const failed = [
      `   ├─ attempt 1 failed: ${system.url.back} answered 500  +T`,
      '   ├─ tried again after T  +T',
      `   ├─ attempt 2 failed: ${system.url.back} answered 500  +T`,
      `   ├─ became a dead letter: ${system.url.back} answered 500  +T`,
    ]
    expect(times((await run('journey', 'c-nobody')).stdout)).toBe(
      [
        'correlation c-nobody',
        '└─ greeted → back.hear discarded  +T … +T',
        ...failed,
        '   ├─ replay asked for by eve  +T',
        '   ├─ replayed by eve  +T',
        ...failed,
        '   ├─ discard asked for by eve: there is no such person  +T',
        '   └─ discarded by eve: there is no such person  +T',
        '',
      ].join('\n'),
    )
    expect(await run('journey', 'never-heard-of')).toMatchObject({ code: 1, stdout: '' })
    running.child.kill('SIGINT')
    expect((await running.done).code).toBe(0)
  },
)

test('asked to stop while it starts, dev stops', { timeout: 60_000 }, async () => {
  const system = await project()
  const running = dev(system)
  await said(running, 'PostgreSQL is up')
  running.child.kill('SIGTERM')
  const { code, stdout } = await running.done
  expect(code).toBe(0)
  expect(stdout).toContain('everything has ended')
  expect(startedPids(stdout).filter(alive)).toEqual([])
  await expect(stat(join(system.folder, '.spandrel/postgres/cluster/postmaster.pid'))).rejects.toThrow('ENOENT')
})

test(
  'two systems at once, one of them with only one service and a port that is taken',
  { timeout: 120_000 },
  async () => {
    const [one, two] = [await project(), await project()]
    const occupant = createServer((_request, response) => response.end('somebody else'))
    await new Promise<void>((resolve) => occupant.listen(Number(new URL(two.url.front).port), '127.0.0.1', resolve))
    cleanup.push(async () => void occupant.close())
    const [first, second] = [dev(one), dev(two, '--only', 'front', '--json')]
    await said(first, 'pair is up after')
    await said(second, '"event":"ready"')
    const events = second.text.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event?: string; about?: string; services?: Record<string, string> })
    expect(new Set(events.filter((event) => event.event === 'started').map((event) => event.about))).toEqual(
      new Set(['front', 'front sidecar', 'gateway']),
    )
    const moved = events.find((event) => event.event === 'ready')!.services!['front']!
    expect(moved).not.toBe(two.url.front)
    // The gateway was told.
    expect((await greet(two.url.gateway, { name: 'ann' })).status).toBe(202)
    expect(await (await fetch(two.url.front)).text()).toBe('somebody else')
    first.child.kill('SIGTERM')
    second.child.kill('SIGTERM')
    expect([(await first.done).code, (await second.done).code]).toEqual([0, 0])
  },
)

test('what cannot start says why', { timeout: 60_000 }, async () => {
  const { folder, env } = await project()
  const run = (...args: string[]) => spandrel(['dev', ...args], { cwd: folder, env })
  expect((await run('--only', 'frnt')).stderr).toBe(
    'error  pair has no service frnt\n  where  --only, spandrel.yaml\n  fix    did you mean front? Its services are front, back\n',
  )
  const wrong = await run('--postgres', 'localhost')
  expect(wrong).toMatchObject({
    code: 2,
    stderr:
      'error  this is no Postgres connection string\n  where  --postgres\n  fix    write it as postgres://user@host:5432/postgres\n',
  })
  const nowhere = await run('--postgres', `postgres://me:secret@127.0.0.1:${await freePort()}/postgres`)
  expect(nowhere.code).toBe(2)
  expect(nowhere.stderr).toMatch(/^error {2}the databases could not be made: .*ECONNREFUSED/)
  expect(nowhere.stderr + nowhere.stdout).not.toContain('secret')
  const yaml = await readFile(join(folder, 'spandrel.yaml'), 'utf8')
  await writeFile(join(folder, 'spandrel.yaml'), yaml.replaceAll(/^ {4}dev:.*$/gm, ''))
  expect((await run()).stderr).toContain('error  there is nothing to start: no service has a `dev` command\n')
  await writeFile(join(folder, 'spandrel.yaml'), yaml.replace('services:', 'servces:'))
  const broken = await run('--json')
  expect(broken.code).toBe(2)
  const document = JSON.parse(broken.stdout) as { error: { what: string }; findings: { line: number }[] }
  expect(document.findings.length).toBeGreaterThan(0)
})
