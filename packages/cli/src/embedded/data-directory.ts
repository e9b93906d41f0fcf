/**
 * The directory a cluster lives in, and who has it.
 *
 *   absent ──initdb──▶ ready ◀──▶ in use (owner.json names a live process)
 *      ▲                 ▲            │ its process dies
 *      │ remade          └── taken ───┘ over: a server left behind is stopped, its lock file removed
 *   half made (initdb was cut off: no made.txt)
 *
 *   <directory>/owner.json   the process that uses it
 *   <directory>/made.txt     written when initdb had finished
 *   <directory>/cluster/     what PostgreSQL knows
 */
import { createHash } from 'node:crypto'
import { chown, lstat, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Binaries, exists, type Owner, reachable } from './binaries.ts'
import { runGroup } from './process-group.ts'
import { commandLine, processIdentity } from './process-identity.ts'

const ours = new Set(['owner.json', 'made.txt', 'cluster'])

/** Where PostgreSQL's own files are. */
export function clusterOf(directory: string): string {
  return join(directory, 'cluster')
}

/**
 * Where a cluster that is wanted in `directory` really goes: there, or, where its owner may not enter (root's own home, a
 * private checkout; Postgres does not run as root), a place in the system's temporary directory that belongs to it.
 */
export async function placeFor(directory: string, owner: Owner): Promise<string> {
  const parent = dirname(resolve(directory))
  await mkdir(parent, { recursive: true })
  if (await reachable(parent, owner)) return resolve(directory)
  const name = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 16)
  const place = join(await realpath(tmpdir()), `spandrel-postgres-data-${name}`)
  if (!(await reachable(dirname(place), owner))) {
    throw new Error(
      `PostgreSQL does not run as root, and the user nobody may not enter ${directory} or ${dirname(place)}. ` +
        'Work as another user, or use a server of your own.',
    )
  }
  // Everybody may write there: what somebody else put in our place is not ours.
  const found = await lstat(place).catch(() => undefined)
  if (found !== undefined && (!found.isDirectory() || (found.uid !== owner.uid && found.uid !== 0))) {
    throw new Error(`${place} belongs to somebody else; remove it, or set TMPDIR to a directory of your own.`)
  }
  return place
}

/** Makes the directory ours and ready to serve; returns whether its cluster was made now. */
export async function prepareDirectory(directory: string, binaries: Binaries, owner: Owner): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const foreign = (await readdir(directory)).find((name) => !ours.has(name))
  if (foreign !== undefined)
    throw new Error(`${directory} holds something else (${foreign}); choose another directory.`)
  await claim(directory)
  try {
    if (owner.uid !== undefined && owner.gid !== undefined) await chown(directory, owner.uid, owner.gid)
    await endLeftover(clusterOf(directory))
    if (await exists(join(directory, 'made.txt'))) {
      const version = (await readFile(join(clusterOf(directory), 'PG_VERSION'), 'utf8').catch(() => '')).trim()
      if (version === binaries.major) return false
      throw new Error(
        `${directory} was made by PostgreSQL ${version || 'of an unknown version'}, this is ${binaries.major}. ` +
          'Delete the directory to begin anew; its data is lost then.',
      )
    }
    await rm(clusterOf(directory), { recursive: true, force: true })
    await runGroup(
      binaries.initdb,
      [
        '-D',
        clusterOf(directory),
        '-U',
        'postgres',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
        '--no-instructions',
      ],
      { ...owner, env: { PATH: process.env['PATH'], LC_ALL: 'C' }, cwd: '/' },
    ).catch((error: { stderr?: string }) => {
      throw new Error(`PostgreSQL could not make its directory ${directory}: ${error.stderr?.trim()}`, { cause: error })
    })
    await writeFile(join(directory, 'made.txt'), 'Made by spandrel. Safe to delete when nothing runs.\n')
    return true
  } catch (error) {
    await releaseDirectory(directory)
    throw error
  }
}

/** Gives the directory free. */
export async function releaseDirectory(directory: string): Promise<void> {
  await rm(join(directory, 'owner.json'), { force: true })
}

async function claim(directory: string): Promise<void> {
  const path = join(directory, 'owner.json')
  let named: { pid?: number; identity?: string } = {}
  try {
    named = JSON.parse(await readFile(path, 'utf8')) as typeof named
  } catch {
    // Absent, or written by a process that died in the middle of it.
  }
  if (
    named.pid !== undefined &&
    named.identity !== undefined &&
    (await processIdentity(named.pid)) === named.identity
  ) {
    throw new Error(`The database in ${directory} is in use by process ${named.pid}; stop that first.`)
  }
  await writeFile(path, JSON.stringify({ pid: process.pid, identity: await processIdentity(process.pid) }))
}

/** A server that an earlier run left behind in this directory is ended, and its lock file removed. */
async function endLeftover(cluster: string): Promise<void> {
  const lock = join(cluster, 'postmaster.pid')
  const text = await readFile(lock, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const pid = Number(text.split('\n')[0])
  // The number may belong to anybody by now.
  const command = await commandLine(pid)
  if (command.includes('postgres') && command.includes(cluster)) {
    const identity = await processIdentity(pid)
    const started = Date.now()
    let sent = ''
    for (let now = identity; now !== undefined && now === identity; now = await processIdentity(pid)) {
      const waited = Date.now() - started
      const signal = waited > 15_000 ? 'SIGKILL' : waited > 8000 ? 'SIGQUIT' : 'SIGINT'
      try {
        if (signal !== sent) process.kill(pid, signal)
      } catch {
        // Gone between the look and the signal.
      }
      sent = signal
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await rm(lock, { force: true })
}
