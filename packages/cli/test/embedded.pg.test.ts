import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { startPostgres } from '../src/embedded/index.ts'
import { processIdentity } from '../src/embedded/process-identity.ts'
import { until } from './waiting.ts'

const script = fileURLToPath(new URL('processes/hold-postgres.ts', import.meta.url))
const root = await mkdtemp(join(tmpdir(), 'spandrel-embedded-'))
await chmod(root, 0o777)
const children: ChildProcess[] = []
afterAll(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
  // A guardian whose starter was killed needs a moment to end its server.
  await rm(root, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })
})

interface Held {
  pid: number
  url: string
  fresh: boolean
  error?: string
}

function hold(
  directory: string,
  as: { uid?: number; gid?: number } = {},
): { child: ChildProcess; held: Promise<Held> } {
  const child = spawn(process.execPath, [script, directory], { stdio: ['pipe', 'pipe', 'inherit'], ...as })
  children.push(child)
  const held = new Promise<Held>((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', (line) => resolve(JSON.parse(line) as Held))
    child.once('exit', () => reject(new Error('it ended')))
  })
  return { child, held }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}

async function query<T>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(sql)).rows as T[]
  } finally {
    await client.end()
  }
}

test('the server ends when its starter is killed, and the next start has its data', async () => {
  const directory = join(root, 'killed')
  const first = hold(directory)
  const { pid, url, fresh } = await first.held
  expect(fresh).toBe(true)
  await query(url, 'create table kept (n int); insert into kept values (7)')
  const identity = await processIdentity(pid)
  expect(identity).toBeDefined()
  first.child.kill('SIGKILL')
  await ended(first.child)
  await until('the server to end', async () => (await processIdentity(pid)) !== identity)

  const second = hold(directory)
  const again = await second.held
  expect(again.fresh).toBe(false)
  expect(await query(again.url, 'select n from kept')).toEqual([{ n: 7 }])
  second.child.stdin!.end()
  await ended(second.child)
  expect(await processIdentity(again.pid)).toBeUndefined()
})

test('a server left running by starter and guardian both killed is taken over', async () => {
  const directory = join(root, 'left')
  const first = hold(directory)
  const { pid, url } = await first.held
  await query(url, 'create table kept (n int); insert into kept values (8)')
  const guardian = await guardianOf(first.child.pid!)
  process.kill(guardian, 'SIGKILL')
  first.child.kill('SIGKILL')
  await ended(first.child)
  const identity = await processIdentity(pid)
  expect(identity, 'the server outlived both').toBeDefined()

  const second = hold(directory)
  const again = await second.held
  expect(again.pid).not.toBe(pid)
  expect(await processIdentity(pid)).not.toBe(identity)
  expect(await query(again.url, 'select n from kept')).toEqual([{ n: 8 }])
  second.child.stdin!.end()
  await ended(second.child)
})

test('a guardian that was killed alone is replaced and knows everything', async () => {
  const directory = join(root, 'guardian')
  const { child, held } = hold(directory)
  const { pid } = await held
  const first = await guardianOf(child.pid!)
  process.kill(first, 'SIGKILL')
  const second = await until('another guardian', async () => {
    const found = await guardianOf(child.pid!).catch(() => first)
    return found !== first && found
  })
  expect(second).not.toBe(first)
  child.kill('SIGKILL')
  await ended(child)
  await until('the server to end', async () => (await processIdentity(pid)) === undefined)
})

test('a lock file that names a process of somebody else is stale', async () => {
  const directory = join(root, 'stale')
  const first = hold(directory)
  await first.held
  first.child.stdin!.end()
  await ended(first.child)
  // This very process is alive and is no PostgreSQL: it must survive the take-over.
  await writeFile(
    join(directory, 'cluster/postmaster.pid'),
    `${process.pid}\n${directory}/cluster\n0\n5432\n\n127.0.0.1\n`,
  )
  await writeFile(join(directory, 'owner.json'), JSON.stringify({ pid: process.pid, identity: 'an earlier life' }))
  const second = hold(directory)
  const { url } = await second.held
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
  second.child.stdin!.end()
  await ended(second.child)
})

test('a directory whose initdb was cut off is made again', async () => {
  const directory = join(root, 'half')
  await mkdir(join(directory, 'cluster/base'), { recursive: true })
  await writeFile(join(directory, 'cluster/PG_VERSION'), '18\n')
  const { child, held } = hold(directory)
  expect((await held).fresh).toBe(true)
  child.stdin!.end()
  await ended(child)
})

test('a directory in use, of another version or with other things in it is refused, and left as it is', async () => {
  const directory = join(root, 'refused')
  const first = hold(directory)
  const { url } = await first.held
  const second = await hold(directory).held
  expect(second.error).toContain(`in use by process ${first.child.pid}`)
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
  first.child.stdin!.end()
  await ended(first.child)

  await writeFile(join(directory, 'cluster/PG_VERSION'), '12\n')
  expect((await hold(directory).held).error).toMatch(/made by PostgreSQL 12, this is 18\. Delete the directory/)
  await writeFile(join(directory, 'cluster/PG_VERSION'), '18\n')
  await writeFile(join(directory, 'diary.txt'), 'mine')
  expect((await hold(directory).held).error).toContain('holds something else (diary.txt)')
  expect(await readFile(join(directory, 'diary.txt'), 'utf8')).toBe('mine')
})

test('two servers run at once', async () => {
  await using one = await startPostgres({ settings: { fsync: 'off' } })
  await using two = await startPostgres({ settings: { fsync: 'off' } })
  expect(one.port).not.toBe(two.port)
  const [a, b] = await Promise.all(
    [one, two].map((server) =>
      query<{ id: string }>(server.url(), 'select system_identifier::text as id from pg_control_system()'),
    ),
  )
  expect(a![0]!.id).not.toBe(b![0]!.id)
})

test('stopped immediate and started again, committed rows are there, on the same port', async () => {
  await using server = await startPostgres()
  const { port } = server
  await query(server.url(), 'create table kept (n int)')
  const open = new pg.Client(server.url())
  let lost: Error | undefined
  open.on('error', (error) => (lost = error))
  await open.connect()
  await open.query('insert into kept values (1)')
  await open.query('begin')
  await open.query('insert into kept values (2)')
  await server.stop('immediate')
  expect(server.pid).toBe(0)
  await until('the open connection to break', () => lost)
  await server.start()
  expect(server.port).toBe(port)
  expect(await query(server.url(), 'select n from kept')).toEqual([{ n: 1 }])
})

test('a crash of the server is told, and it can be started again', async () => {
  const crashes: string[] = []
  await using server = await startPostgres({ settings: { fsync: 'off' }, onCrash: (log) => crashes.push(log) })
  process.kill(server.pid, 'SIGQUIT')
  await until('the crash to be told', () => crashes.length > 0)
  expect(server.pid).toBe(0)
  await server.start()
  expect(await query(server.url(), 'select 1 as one')).toEqual([{ one: 1 }])
  await server.stop()
  expect(crashes).toHaveLength(1)
})

test('closed, a server of its own directory leaves nothing behind', async () => {
  const server = await startPostgres({ settings: { fsync: 'off' } })
  await server.close()
  await server.close()
  await expect(stat(server.directory)).rejects.toThrow('ENOENT')
})

test.skipIf(process.getuid?.() !== 0)(
  'started by root it runs as nobody; started by a user, as that user',
  async () => {
    await using server = await startPostgres({ settings: { fsync: 'off' } })
    const [pidOwner] = [(await stat(`/proc/${server.pid}`)).uid]
    expect(pidOwner).not.toBe(0)

    const user = Number(execFileSync('id', ['-u', 'daemon']))
    const directory = join(root, 'user')
    await mkdir(directory)
    await chown(directory, user, user)
    const { child, held } = hold(directory, { uid: user, gid: user })
    const { pid, url } = await held
    expect((await stat(`/proc/${pid}`)).uid).toBe(user)
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    child.stdin!.end()
    await ended(child)
  },
)

test.skipIf(process.getuid?.() !== 0)(
  'root in a private directory gets a cluster where the server may enter, the same each time',
  async () => {
    const home = join(root, 'home')
    await mkdir(join(home, 'project'), { recursive: true })
    await chmod(home, 0o700)
    const first = hold(join(home, 'project/postgres'))
    const { url } = await first.held
    await query(url, 'create table kept (n int); insert into kept values (9)')
    const [{ place }] = (await query<{ place: string }>(url, "select current_setting('data_directory') as place")) as [
      { place: string },
    ]
    first.child.stdin!.end()
    await ended(first.child)
    const second = hold(join(home, 'project/postgres'))
    const again = await second.held
    expect(again.fresh).toBe(false)
    expect(await query(again.url, 'select n from kept')).toEqual([{ n: 9 }])
    second.child.stdin!.end()
    await ended(second.child)

    await rm(dirname(place), { recursive: true })
    await mkdir(dirname(place))
    await chown(dirname(place), 4321, 4321)
    expect((await hold(join(home, 'project/postgres')).held).error).toContain('belongs to somebody else')
    await rm(dirname(place), { recursive: true })
  },
)

/** The guardian is the child of the starter that runs guardian.mjs. */
async function guardianOf(starter: number): Promise<number> {
  const children = (await readFile(`/proc/${starter}/task/${starter}/children`, 'utf8')).trim().split(' ').map(Number)
  for (const child of children) {
    const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')
    if (command.includes('guardian.mjs') && (await readlink(`/proc/${child}/exe`).catch(() => '')) !== '') return child
  }
  throw new Error(`process ${starter} has no guardian`)
}
