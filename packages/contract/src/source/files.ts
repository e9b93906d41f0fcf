import { readFileSync, statSync } from 'node:fs'

/** Where documents are read from: the disk, or a revision of a repository that is not checked out. */
export interface Files {
  /** throws (`ENOENT`, …) where nothing is there, or nothing that may be seen */
  stat(file: string): { readonly size: number; isFile(): boolean }
  read(file: string): Uint8Array
}

export const disk: Files = { stat: (file) => statSync(file), read: (file) => readFileSync(file) }

/** Somebody's folder we may not look into exists: the reason it cannot be read is reported. */
export function exists(files: Files, file: string): boolean {
  try {
    files.stat(file)
    return true
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException
    return code !== 'ENOENT' && code !== 'ENOTDIR'
  }
}
