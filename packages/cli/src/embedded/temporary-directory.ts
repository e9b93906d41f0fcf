import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guardDirectory } from './process-group.ts'

export interface TemporaryDirectory {
  readonly path: string
  /** Removes it, with all that is in it. */
  remove(): Promise<void>
  /** Leaves it where it is, also when this process is gone. */
  keep(): void
}

/** A new directory `<system's temporary directory>/<prefix>…`. The guardian removes it if this process dies first. */
export async function makeTemporaryDirectory(prefix: string): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(await realpath(tmpdir()), prefix))
  const forget = guardDirectory(path)
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true })
      forget()
    },
    keep: forget,
  }
}
