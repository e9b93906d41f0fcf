import type { Dirent } from 'node:fs'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import type { Service, System } from '../../model/system.ts'

/** What is never written by hand, or is somebody else's. */
const passedOver = new Set(['node_modules', 'dist', 'build', 'target', 'vendor', 'coverage', '__pycache__', 'venv'])

/** Enough for a repository of services; a monorepo of everything is cut, and says so. */
const MOST_FILES = 20_000
const MOST_BYTES = 512 * 1024

/** The files beside the contracts: under the folders of the spandrel.yaml files, read when a rule asks for them. */
export class Repository {
  readonly #system: System
  #files: readonly string[] | undefined
  readonly #texts = new Map<string, string | undefined>()

  constructor(system: System) {
    this.#system = system
  }

  /** Every file, sorted, as absolute paths. */
  get files(): readonly string[] {
    this.#files ??= filesUnder(roots(this.#system))
    return this.#files
  }

  named(...names: readonly string[]): readonly string[] {
    return this.files.filter((file) => names.includes(basename(file)))
  }

  /** Undefined where it cannot be read, is no text, or has more than 512 KiB: nobody wrote that by hand. */
  text(file: string): string | undefined {
    if (!this.#texts.has(file)) this.#texts.set(file, readText(file))
    return this.#texts.get(file)
  }

  /** The service whose folder holds a file; undefined where it is none's, or more than one's. */
  ownerOf(file: string): Service | undefined {
    const owners = Object.values(this.#system.services)
      .filter((service) => !service.external)
      .map((service) => ({ service, folder: folderOf(service) }))
      .filter(({ folder }) => file.startsWith(folder + sep))
      .sort((a, b) => b.folder.length - a.folder.length)
    const [first, second] = owners
    return first === undefined || second?.folder === first.folder ? undefined : first.service
  }
}

/**
 * The folder whose files belong to a service: the deepest one that holds its contracts and the scripts that its `dev`
 * names; the folder above where that is a mere `contracts`.
 */
function folderOf(service: Service): string {
  const scripts = (service.dev?.split(/\s+/) ?? [])
    .map((word) => join(service.dir, word))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
  const inside = [...service.documents.map(({ file }) => file), ...scripts]
    .map((file) => dirname(file))
    .filter((folder) => folder === service.dir || folder.startsWith(service.dir + sep))
  const [first = service.dir, ...rest] = inside
  const common = rest.reduce((shared, folder) => {
    let above = shared
    while (folder !== above && !folder.startsWith(above + sep)) above = dirname(above)
    return above
  }, first)
  const kept = /^(contracts?|apis?|specs?|openapi|asyncapi|schemas?)$/.test(basename(common)) && common !== service.dir
  return kept ? dirname(common) : common
}

function roots(system: System): readonly string[] {
  const all = [system.dir, ...Object.values(system.services).map(({ dir }) => dir)]
  return [...new Set(all)].filter((dir) => !all.some((other) => other !== dir && dir.startsWith(other + sep)))
}

function filesUnder(folders: readonly string[]): readonly string[] {
  const found: string[] = []
  const visit = (folder: string): void => {
    for (const entry of entriesOf(folder)) {
      if (found.length >= MOST_FILES) return
      const path = join(folder, entry.name)
      if (entry.isFile()) found.push(path)
      else if (entry.isDirectory() && !passedOver.has(entry.name) && !entry.name.startsWith('.')) visit(path)
    }
  }
  folders.forEach(visit)
  return found.sort()
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    // A folder that may not be read has nothing to say about contracts.
    return []
  }
}

function readText(file: string): string | undefined {
  try {
    if (statSync(file).size > MOST_BYTES) return undefined
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch {
    return undefined
  }
}
