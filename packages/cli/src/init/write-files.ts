import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CommandError } from '../output/command-error.ts'
import { shown } from '../system/find-config.ts'
import type { PlannedFile } from './plan.ts'

/**
 * Writes all of the files or none, and never over one that is there: what was written before a fault is taken away
 * again. Throws with the file and what to do.
 */
export async function writeFiles(files: readonly PlannedFile[]): Promise<void> {
  const made: string[] = []
  const folders: string[] = []
  for (const { path, text } of files) {
    try {
      const first = await mkdir(dirname(path), { recursive: true })
      if (first !== undefined) folders.push(first)
      await writeFile(path, text, { flag: 'wx' })
      made.push(path)
    } catch (cause) {
      for (const one of made) await rm(one, { force: true })
      for (const one of folders) await rmdir(one).catch(() => {})
      throw refused(path, cause as NodeJS.ErrnoException)
    }
  }
}

function refused(path: string, cause: NodeJS.ErrnoException): CommandError {
  const fixes: Readonly<Record<string, string>> = {
    EACCES: 'make the folder writable for you, or run it where you may write',
    EPERM: 'make the folder writable for you, or run it where you may write',
    EROFS: 'the file system is read-only: run it where you may write',
    EEXIST: 'something of that name is there already: move it away, or run `spandrel init` in another folder',
    ENOTDIR: 'a file stands where a folder is needed: move it away, or run `spandrel init` in another folder',
    ENOSPC: 'the disk is full: make room',
  }
  return new CommandError(`${shown(path)} could not be written, so nothing was: ${cause.message}`, {
    where: dirname(path),
    fix: fixes[cause.code ?? ''] ?? 'run `spandrel init --dry-run` to see what would be written, and write it yourself',
    cause,
  })
}
