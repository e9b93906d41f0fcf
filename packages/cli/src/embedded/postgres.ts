/**
 * A real PostgreSQL 18 server from the npm registry, for `spandrel dev` and for tests. It listens on a port the system
 * chose, ends with its starter (also when that is killed), and takes a stale data directory over.
 */
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { type Binaries, findBinaries, serverOwner } from './binaries.ts'
import { clusterOf, placeFor, prepareDirectory, releaseDirectory } from './data-directory.ts'
import { endGroup, spawnGroup } from './process-group.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'

export interface EmbeddedPostgresOptions {
  /** where the cluster lives; a fresh directory, removed on close, when absent */
  directory?: string
  /** 0 or absent: chosen by the system */
  port?: number
  /** extra settings: `{ fsync: 'off' }` */
  settings?: Readonly<Record<string, string>>
  /** another PostgreSQL than the one of the npm package */
  binaries?: Binaries
  /** Called when the server ends without being asked to, with its last words. */
  onCrash?: (log: string) => void
}

export interface EmbeddedPostgres {
  readonly port: number
  /** where the cluster is: where it was wanted, unless the server may not enter there (see `placeFor`) */
  readonly directory: string
  /** whether the cluster was made by this start */
  readonly fresh: boolean
  /** postmaster's process; 0 while it is stopped */
  readonly pid: number
  /** connection string of a database on this server */
  url(database?: string): string
  /** Stops the server: `fast` by default; `immediate` is a crash. */
  stop(how?: 'fast' | 'immediate'): Promise<void>
  /** Starts it again after `stop` (or a crash), on the same port. */
  start(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a server; under a second, most of it `initdb`. */
export async function startPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const owner = await serverOwner()
  const binaries = options.binaries ?? (await findBinaries(owner))
  const temporary = options.directory === undefined ? await makeTemporaryDirectory('spandrel-postgres-') : undefined
  const directory = temporary?.path ?? (await placeFor(options.directory ?? '', owner))
  const fresh = await prepareDirectory(directory, binaries, owner).catch(async (error: unknown) => {
    await temporary?.remove()
    throw error
  })
  let port = options.port || (await freePort())
  let server: ChildProcess | undefined
  let started = false

  const launch = async (): Promise<void> => {
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '300',
      ...options.settings,
    }
    const child = spawnGroup(
      binaries.postgres,
      [
        '-D',
        clusterOf(directory),
        '-p',
        String(port),
        ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        endWith: 'SIGINT',
        ...owner,
        env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      },
    )
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-8000)
        if (log.includes('database system is ready to accept connections')) resolve()
      })
      child.once('error', reject)
      child.once('exit', (code) =>
        reject(new Error(`PostgreSQL ended with code ${code} while starting:\n${log.trim()}`)),
      )
    })
    server = child
    started = true
    child.once('exit', () => {
      if (server !== child) return
      server = undefined
      options.onCrash?.(log)
    })
  }
  const start = async (): Promise<void> => {
    if (server !== undefined) return
    for (let tries = 1; ; tries++) {
      try {
        return await launch()
      } catch (error) {
        // A port the system gave may be taken before the server binds it; one that clients know is not replaced.
        if (options.port || started || tries === 5 || !/could not bind|Address already in use/.test(String(error)))
          throw error
        port = await freePort()
      }
    }
  }
  const stop = async (how: 'fast' | 'immediate' = 'fast'): Promise<void> => {
    const child = server
    if (child === undefined) return
    server = undefined
    await endGroup(child, { signal: how === 'fast' ? 'SIGINT' : 'SIGQUIT', graceMs: 15_000 })
  }
  const close = async (): Promise<void> => {
    await stop(temporary === undefined ? 'fast' : 'immediate')
    await releaseDirectory(directory)
    await temporary?.remove()
  }
  try {
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    get port() {
      return port
    },
    directory,
    fresh,
    get pid() {
      return server?.pid ?? 0
    },
    url: (database = 'postgres') => `postgres://postgres@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    start,
    stop,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A port the system chose; free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
