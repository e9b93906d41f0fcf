import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Sheet } from '@spandrel/contract'
import { CommandError } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import { count } from '../output/table.ts'
import type { ExitCode } from '../program.ts'
import { shown } from '../system/find-config.ts'
import { contractPackage } from '../system/open-system.ts'

interface ComparedSheet {
  readonly file: string
  /** `left over`: of an integration that is no more */
  readonly state: 'up to date' | 'missing' | 'out of date' | 'left over'
  /** absent where it is to go */
  readonly text?: string
}

/** What is on disk, beside what belongs there. Files that somebody wrote by hand are not looked at. */
export async function compareSheets(folder: string, sheets: readonly Sheet[]): Promise<readonly ComparedSheet[]> {
  const { readIfThere, sheetMark } = await contractPackage()
  const compared = await Promise.all(
    sheets.map(async ({ file, text }): Promise<ComparedSheet> => {
      const present = await readIfThere(file)
      if (present === undefined) return { file, text, state: 'missing' }
      if (present.replaceAll('\r\n', '\n') === text) return { file, text, state: 'up to date' }
      if (!present.startsWith(sheetMark)) {
        throw new CommandError(`${shown(file)} was not written by this command`, {
          where: '--sheets',
          fix: 'give the sheets a folder of their own',
        })
      }
      return { file, text, state: 'out of date' }
    }),
  )
  const belongs = new Set(sheets.map(({ file }) => file))
  const others = (await readdir(folder).catch(() => [])).map((name) => join(resolve(folder), name))
  for (const file of others.sort()) {
    if (!file.endsWith('.md') || belongs.has(file)) continue
    if ((await readIfThere(file))?.startsWith(sheetMark) === true) compared.push({ file, state: 'left over' })
  }
  return compared
}

export async function writeSheets(sheets: readonly ComparedSheet[]): Promise<void> {
  for (const { file, state, text } of sheets) {
    if (state === 'up to date') continue
    try {
      if (text === undefined) await rm(file)
      else {
        await mkdir(join(file, '..'), { recursive: true })
        await writeFile(file, text)
      }
    } catch (error) {
      throw new CommandError(`${shown(file)} cannot be written: ${(error as Error).message}`, {
        where: '--sheets',
        cause: error,
      })
    }
  }
}

export function tellSheets(folder: string, sheets: readonly ComparedSheet[], output: Output, check: boolean): ExitCode {
  const stale = sheets.filter(({ state }) => state !== 'up to date')
  for (const { file, state } of stale) {
    const words = check ? state : state === 'left over' ? 'removed' : 'wrote'
    output.line(`${output.paint(check ? 'red' : 'green', words.padEnd(11))}  ${shown(file)}`)
  }
  const all = count(sheets.length, 'sheet')
  if (stale.length === 0) output.line(`${all} in ${folder}: up to date`)
  if (!check || stale.length === 0) return 0
  output.note(`${stale.length} of ${all} must be written: run \`spandrel scorecard --sheets ${folder}\` and commit`)
  return 1
}
