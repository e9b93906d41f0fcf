import { open, rm, stat, writeFile } from 'node:fs/promises'
import { UsageError } from './flags.ts'

/** Throws a `UsageError` where a report could not be written: better before the run than after it. */
export async function checkWritable(file: string): Promise<void> {
  const there = await stat(file).then(
    () => true,
    () => false,
  )
  try {
    await (await open(file, 'a')).close()
    if (!there) await rm(file)
  } catch (error) {
    throw cannotWrite(file, error)
  }
}

/** Throws a `UsageError` where it cannot. */
export async function writeReport(file: string, document: string): Promise<void> {
  await writeFile(file, document).catch((error: unknown) => {
    throw cannotWrite(file, error)
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is a file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'that file system cannot be written to',
  ENOSPC: 'the disk is full',
}

function cannotWrite(file: string, error: unknown): UsageError {
  const { code = '', message } = error as NodeJS.ErrnoException
  return new UsageError(`--report ${file} cannot be written: ${REASONS[code] ?? message}`, { cause: error })
}
