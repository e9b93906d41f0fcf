/** What somebody meant by the paths given to a command: a system, or contracts alone. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { CommandError } from '../output/command-error.ts'
import { findConfig } from './find-config.ts'

/** A `spandrel.yaml`, or documents without one. */
export type Named =
  | { readonly file: string; readonly documents?: never }
  | { readonly documents: readonly string[]; readonly file?: never }

/**
 * No path: the nearest spandrel.yaml. One that is a spandrel.yaml, or a folder with one: that system. Everything else
 * is a contract; a folder stands for the contracts in it.
 */
export async function namedDocuments(paths: readonly string[], config: string | undefined): Promise<Named> {
  const [only] = paths
  if (only === undefined) return { file: await findConfig(config) }
  if (paths.length === 1) {
    const path = resolve(only)
    if (/^spandrel\.ya?ml$/i.test(basename(path)) && isFile(path)) return { file: path }
    if (isFolder(path) && isFile(join(path, 'spandrel.yaml'))) return { file: join(path, 'spandrel.yaml') }
  }
  return { documents: [...new Set(paths.flatMap(contractsAt))] }
}

function contractsAt(path: string): readonly string[] {
  if (!isFolder(resolve(path))) return [path]
  const found = filesBelow(resolve(path)).filter((one) => isText(one) && readsAs(one, isContractOrWorkflow))
  if (found.length > 0) return found
  throw new CommandError(`${path} has no spandrel.yaml, and no OpenAPI, AsyncAPI or Arazzo document`, {
    where: resolve(path),
    fix: 'name a contract, or the folder that holds some',
  })
}

/** Every contract in a folder and those below it, in the order of their names; links are not followed. */
export function contractsBelow(folder: string): readonly string[] {
  return filesBelow(folder).filter((path) => isText(path) && readsAs(path, isContract))
}

function isText(path: string): boolean {
  return /\.(ya?ml|json)$/i.test(path)
}

function readsAs(path: string, kind: (bytes: Uint8Array) => boolean): boolean {
  try {
    return kind(readFileSync(path))
  } catch {
    return false
  }
}

/** By its own words, not by its name: a contract may be called anything. */
export function isContract(bytes: Uint8Array): boolean {
  return says('openapi|asyncapi|swagger', bytes)
}

function isContractOrWorkflow(bytes: Uint8Array): boolean {
  return says('openapi|asyncapi|swagger|arazzo', bytes)
}

function says(kinds: string, bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes)
  return [`^[\\s{]*["']?(${kinds})["']?\\s*:`, `"(${kinds})"\\s*:\\s*"\\d`].some((one) =>
    new RegExp(one, 'm').test(text),
  )
}

/** A folder that may not be read has nothing to say. */
function filesBelow(folder: string): string[] {
  const entries = (() => {
    try {
      return readdirSync(folder, { withFileTypes: true })
    } catch {
      return []
    }
  })()
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isFile()) return [path]
      return entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.') ? filesBelow(path) : []
    })
}

function isFolder(path: string): boolean {
  return kindOf(path) === 'folder'
}

function isFile(path: string): boolean {
  return kindOf(path) === 'file'
}

/** Links that lead in a circle, and folders that may not be entered, are neither. */
function kindOf(path: string): 'file' | 'folder' | undefined {
  try {
    const found = statSync(path)
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : undefined
  } catch {
    return undefined
  }
}
