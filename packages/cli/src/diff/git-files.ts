import { execFileSync } from 'node:child_process'
import { relative, resolve, sep } from 'node:path'
import type { Files } from '@spandrel/contract'
import { disk } from '@spandrel/contract'

/** A revision of a repository, read from git's own store: nothing is checked out, nothing is written. */
export interface GitRevision {
  /** absolute path of the repository's work tree */
  readonly root: string
  /** as it was written: `main`, `HEAD~1` */
  readonly name: string
  readonly commit: string
  /** paths inside the work tree are those of the revision; whatever lies outside is read from the disk */
  readonly files: Files
  /** absolute paths of everything in it */
  readonly paths: readonly string[]
}

/** A commit's contracts are small; a large blob that is one all the same is refused later, by its size. */
const MOST_BYTES = 64 * 1024 * 1024

/** What git says, or undefined where it refuses (no repository, no such revision, no git). */
function git(folder: string, ...args: string[]): Buffer | undefined {
  try {
    return execFileSync('git', ['-C', folder, ...args], {
      maxBuffer: MOST_BYTES,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return undefined
  }
}

function repositoryOf(folder: string): string | undefined {
  return git(folder, 'rev-parse', '--show-toplevel')?.toString('utf8').trim()
}

/** Only the latest commits are here, as CI systems fetch them. */
export function isShallow(folder: string): boolean {
  return git(folder, 'rev-parse', '--is-shallow-repository')?.toString('utf8').trim() === 'true'
}

/** Undefined where the name is no revision of the repository that `folder` is in. */
export function gitRevision(name: string, folder: string): GitRevision | undefined {
  if (name.startsWith('-')) return undefined
  const root = repositoryOf(folder)
  if (root === undefined) return undefined
  const commit = git(root, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`)?.toString('utf8').trim()
  if (commit === undefined || commit === '') return undefined
  const blobs = listed(root, commit)
  return {
    root,
    name,
    commit,
    files: { stat: (file) => stat(file, root, blobs), read: (file) => read(file, root, blobs) },
    paths: [...blobs.keys()].map((path) => resolve(root, path)),
  }
}

interface Blob {
  readonly hash: string
  readonly size: number
}

/** `100644 blob <hash> <size>\t<path>`, ended by zero bytes. */
function listed(root: string, commit: string): ReadonlyMap<string, Blob> {
  const text = git(root, 'ls-tree', '-r', '-l', '-z', '--full-tree', commit)?.toString('utf8') ?? ''
  const found = new Map<string, Blob>()
  for (const line of text.split('\0')) {
    const [facts = '', path = ''] = line.split('\t')
    const [, kind, hash = '', size = ''] = facts.split(/\s+/)
    if (kind === 'blob') found.set(path, { hash, size: Number(size) })
  }
  return found
}

function inside(file: string, root: string): string | undefined {
  const path = relative(root, file)
  return path.startsWith('..') ? undefined : path.split(sep).join('/')
}

function stat(file: string, root: string, blobs: ReadonlyMap<string, Blob>): ReturnType<Files['stat']> {
  const path = inside(file, root)
  if (path === undefined) return disk.stat(file)
  const blob = blobs.get(path)
  if (blob !== undefined) return { size: blob.size, isFile: () => true }
  const folder = path === '' ? '' : `${path}/`
  for (const other of blobs.keys()) if (other.startsWith(folder)) return { size: 0, isFile: () => false }
  throw missing(file)
}

function read(file: string, root: string, blobs: ReadonlyMap<string, Blob>): Uint8Array {
  const path = inside(file, root)
  if (path === undefined) return disk.read(file)
  const blob = blobs.get(path)
  const bytes = blob === undefined ? undefined : git(root, 'cat-file', 'blob', blob.hash)
  if (bytes === undefined) throw missing(file)
  return bytes
}

function missing(file: string): Error {
  return Object.assign(new Error(`${file} is not in this revision`), { code: 'ENOENT' })
}
