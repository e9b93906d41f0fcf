/** What `spandrel diff` was asked to compare: files, folders and git revisions, each as documents or as a system. */
import { statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Files, SideInput } from '@spandrel/contract'
import { disk } from '@spandrel/contract'
import { CommandError } from '../output/command-error.ts'
import { findConfig, shown } from '../system/find-config.ts'
import { contractPackage } from '../system/open-system.ts'
import { contractsBelow, isContract } from '../system/named-documents.ts'
import { type GitRevision, gitRevision, isShallow } from './git-files.ts'

/** One side, found but not yet read. */
export interface Place {
  /** as the user wrote it */
  readonly written: string
  readonly files: Files
  readonly input: SideInput
  readonly revision?: GitRevision
  /** what the user has to know of how it was found */
  readonly note?: string
}

/** A path, or a revision of git and perhaps a path in it. */
interface Target {
  readonly written: string
  readonly path?: string
  readonly revision?: GitRevision
}

export async function findSides(
  base: string,
  revision: string | undefined,
  config: string | undefined,
): Promise<readonly [Place, Place]> {
  const before = target(base)
  if (revision === undefined && before.revision === undefined) {
    throw new CommandError(`${base} would be compared with itself`, {
      where: base,
      fix: 'name the second file, or a git revision first: `spandrel diff main`',
    })
  }
  const after: Target = revision === undefined ? { written: 'the working tree' } : target(revision)
  const path = before.path ?? after.path ?? (await nearestConfig(config)) ?? process.cwd()
  if (before.path === undefined && before.revision !== undefined && kindOf(path, before.revision.files) === undefined) {
    const now = place(after, after.path ?? path)
    if ('system' in now.input) return adopted(before.written, before.revision, now, now.input.system)
  }
  const sides = [before, after].map((one) => place(one, one.path ?? path)) as [Place, Place]
  return namedAlike(sides)
}

/** The change that brings the spandrel.yaml: what it names is compared with what was there by the same path. */
async function adopted(
  written: string,
  revision: GitRevision,
  after: Place,
  system: string,
): Promise<readonly [Place, Place]> {
  const { loadSide } = await contractPackage()
  const side = loadSide(after.input, { files: after.files, env: process.env })
  // Reading it once more says what is wrong with it.
  if (side.system === undefined) return [after, after]
  const now = Object.values(side.system.services).flatMap(({ name, documents }) =>
    documents.map(({ file }) => ({ name, file })),
  )
  const old = now.filter(({ file }) => kindOf(file, revision.files) === 'file')
  const before = `there was no system before: ${written} has no ${shown(system)}`
  if (old.length === 0) return [{ ...after, note: `${before}, and none of its contracts` }, after]
  const note = `${before}; its contracts are compared, ${old.length} of ${now.length} were there`
  return [
    { written, revision, files: revision.files, input: { documents: old }, note },
    { ...after, input: { documents: now } },
  ]
}

async function nearestConfig(config: string | undefined): Promise<string | undefined> {
  if (config !== undefined) return findConfig(config)
  return findConfig(undefined).catch(() => undefined)
}

function target(written: string): Target {
  if (kindOf(resolve(written)) !== undefined) return { written, path: resolve(written) }
  const here = process.cwd()
  const colon = written.indexOf(':')
  if (colon > 0) {
    const revision = gitRevision(written.slice(0, colon), here)
    const path = written.slice(colon + 1)
    // As git has it: a path in a revision starts at the repository, `./` at the working directory.
    if (revision !== undefined) {
      return { written, revision, path: path.startsWith('.') ? resolve(path) : resolve(revision.root, path) }
    }
  }
  const revision = gitRevision(written, here)
  if (revision !== undefined) return { written, revision }
  throw new CommandError(`there is no file, folder or git revision ${written}`, {
    where: here,
    fix: isShallow(here)
      ? 'this clone is shallow: fetch what it is compared with first, `git fetch --depth=1 origin main` or `git fetch --unshallow`'
      : 'give a path, a revision (`main`, `HEAD~1`), or a file of a revision (`main:contracts/orders.openapi.yaml`)',
  })
}

function place({ written, revision }: Target, path: string): Place {
  const files = revision?.files ?? disk
  const input = inputAt(path, files, revision, written)
  return { written, files, input, ...(revision === undefined ? {} : { revision }) }
}

function inputAt(path: string, files: Files, revision: GitRevision | undefined, written: string): SideInput {
  const kind = kindOf(path, files)
  if (kind === 'file') {
    if (isDocument(path, files)) return { documents: [{ name: stem(path), file: path }] }
    if (isSystem(path, files)) return { system: path }
    throw new CommandError(`${written} is neither a contract nor a spandrel.yaml`, {
      where: path,
      fix: 'name an OpenAPI or AsyncAPI document, or a spandrel.yaml',
    })
  }
  if (kind === undefined) {
    throw new CommandError(`${written} has no ${shown(path)}`, {
      where: path,
      fix: 'name a file that both sides have, or each with its own path',
    })
  }
  const config = join(path, 'spandrel.yaml')
  if (kindOf(config, files) === 'file') return { system: config }
  const documents =
    revision === undefined
      ? contractsBelow(path)
      : revision.paths.filter(
          (one) => one.startsWith(`${path}/`) && /\.(ya?ml|json)$/i.test(one) && isDocument(one, files),
        )
  if (documents.length === 0) {
    throw new CommandError(`${written} has no spandrel.yaml, and no OpenAPI or AsyncAPI document`, {
      where: path,
      fix: 'name the file or the folder that holds the contracts',
    })
  }
  return { documents: documents.map((file) => ({ name: stem(relative(path, file)), file })) }
}

/** Two documents that were named one by one are two versions of one, whatever their files are called. */
function namedAlike(sides: readonly [Place, Place]): readonly [Place, Place] {
  const [before, after] = sides
  if ('system' in before.input || 'system' in after.input) {
    if ('system' in before.input && 'system' in after.input) return sides
    throw new CommandError(`${before.written} and ${after.written} cannot be compared: one is a system, one is not`, {
      fix: 'compare two spandrel.yaml files (or their folders), or two contracts',
    })
  }
  const [old] = before.input.documents
  const [now] = after.input.documents
  if (before.input.documents.length !== 1 || after.input.documents.length !== 1) return sides
  if (old === undefined || now === undefined) return sides
  return [{ ...before, input: { documents: [{ ...old, name: now.name }] } }, after]
}

function kindOf(path: string, files?: Files): 'file' | 'folder' | undefined {
  try {
    const found = files === undefined ? statSync(path) : files.stat(path)
    return found.isFile() ? 'file' : 'folder'
  } catch {
    return undefined
  }
}

function isDocument(path: string, files: Files): boolean {
  try {
    return isContract(files.read(path))
  } catch {
    return false
  }
}

function isSystem(path: string, files: Files): boolean {
  if (basename(path).startsWith('spandrel.')) return true
  return /^["']?(services|include)["']?\s*:/m.test(new TextDecoder().decode(files.read(path)))
}

/** `contracts/orders.openapi.yaml` → `contracts/orders`; names of services have no dots. */
function stem(path: string): string {
  const name = basename(path)
    .replace(/\.(ya?ml|json)$/i, '')
    .replaceAll('.', '-')
  const folder = dirname(path)
  return folder === '.' || folder.startsWith('/') ? name : `${folder}/${name}`
}
