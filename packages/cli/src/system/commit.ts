import { execFileSync } from 'node:child_process'

/** What is checked out in a folder: the hash, and whether tracked files differ from it. */
export interface Commit {
  readonly id: string
  readonly changed: boolean
}

/** Undefined where the folder is in no repository, the repository has no commit, or there is no git. */
export function commitOf(folder: string): Commit | undefined {
  const id = git(folder, 'rev-parse', '--verify', '--quiet', 'HEAD')?.trim()
  if (id === undefined || id === '') return undefined
  // What is not tracked (a report just written, build output) is no change of the code.
  return { id, changed: git(folder, 'status', '--porcelain', '--untracked-files=no') !== '' }
}

function git(folder: string, ...args: string[]): string | undefined {
  try {
    return execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return undefined
  }
}
