import { stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { CommandError } from '../output/command-error.ts'

/** The spandrel.yaml that is meant: the one named (a file or its folder), else the nearest one upwards. */
export async function findConfig(named: string | undefined, from = process.cwd()): Promise<string> {
  if (named !== undefined) {
    const path = resolve(from, named)
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile()) return path
    const inside = join(path, 'spandrel.yaml')
    if (found?.isDirectory() && (await isFile(inside))) return inside
    throw new CommandError(found === undefined ? `there is no ${named}` : `there is no spandrel.yaml in ${named}`, {
      where: path,
      fix: 'give --config the path of a spandrel.yaml, or of the folder it is in',
    })
  }
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const path = join(folder, 'spandrel.yaml')
    if (await isFile(path)) return path
    if (dirname(folder) === folder) break
  }
  throw new CommandError('there is no spandrel.yaml here or in any folder above', {
    where: from,
    fix: 'go to your project, or give --config the path of its spandrel.yaml',
  })
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}

/** A path as the user would type it. */
export function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near === '' ? '.' : near.startsWith('../../..') ? path : near
}
