import { dirname, isAbsolute, relative, resolve } from 'node:path'
import type { Findings } from '../findings/findings.ts'
import { didYouMean, listed } from '../findings/nearest.ts'
import type { SourceLocation } from '../model/location.ts'
import { disk, exists } from './files.ts'
import type { Files } from './files.ts'
import type { Node } from './node.ts'
import { field } from './node.ts'
import { parseJson } from './parse-json.ts'
import { parseYaml } from './parse-yaml.ts'
import { pointerSteps } from './pointer.ts'

/** Read wholly into memory, so bounded: twice the largest contract we know of. */
const MOST_BYTES = 32 * 1024 * 1024

/** Every file of one loading, each read and parsed once. There is no way from here to the network. */
export class Sources {
  readonly #findings: Findings
  readonly #files: Files
  readonly #read = new Map<string, Node | undefined>()
  readonly #anchors = new Map<string, ReadonlyMap<string, Node>>()

  constructor(findings: Findings, files: Files = disk) {
    this.#findings = findings
    this.#files = files
  }

  /** Whether a file that nobody named is there. */
  has(file: string): boolean {
    return exists(this.#files, file)
  }

  /** The root of a file, or undefined where it cannot be read; `asked` is where it was named. */
  open(file: string, asked: SourceLocation): Node | undefined {
    if (this.#read.has(file)) {
      const known = this.#read.get(file)
      if (known === undefined && !this.has(file)) this.#missing(file, asked)
      return known
    }
    const source = this.#text(file, asked)
    const parse = file.toLowerCase().endsWith('.json') ? parseJson : parseYaml
    const root = source === undefined ? undefined : parse(file, source, this.#findings)
    this.#read.set(file, root)
    return root
  }

  /** From now on the file reads as this: the same document in the words of another version. */
  replace(file: string, root: Node): void {
    this.#read.set(file, root)
    this.#anchors.delete(file)
  }

  /** The root of a file that was opened before. */
  known(file: string): Node | undefined {
    return this.#read.get(file)
  }

  #text(file: string, asked: SourceLocation): string | undefined {
    try {
      const found = this.#files.stat(file)
      if (!found.isFile()) {
        const hint = 'name a file inside it'
        this.#findings.error(asked, 'not-a-file', `${shown(file, asked)} is not a file`, hint)
        return undefined
      }
      if (found.size > MOST_BYTES) {
        const message = `${shown(file, asked)} has ${Math.round(found.size / 1024 / 1024)} MiB; at most 32 MiB are read`
        this.#findings.error(asked, 'file-too-large', message, 'split it with $ref')
        return undefined
      }
      return new TextDecoder('utf-8', { fatal: true }).decode(this.#files.read(file))
    } catch (fault) {
      if (fault instanceof TypeError) {
        this.#findings.error(asked, 'not-text', `${shown(file, asked)} is not UTF-8 text`, 'save it as UTF-8')
      } else if (this.has(file)) {
        const code = (fault as NodeJS.ErrnoException).code ?? 'unknown reason'
        this.#findings.error(
          asked,
          'unreadable-file',
          `${shown(file, asked)} cannot be read (${code})`,
          'check its permissions',
        )
      } else this.#missing(file, asked)
      return undefined
    }
  }

  #missing(file: string, asked: SourceLocation): void {
    const message = asked.file === file ? 'there is no such file' : `there is no file ${shown(file, asked)}`
    this.#findings.error(asked, 'missing-file', message, 'correct the path; it is relative to the file that names it')
  }

  /**
   * What a `$ref` points at: `#/pointer`, `#anchor`, `file`, `file#/pointer`. Undefined where it points nowhere; the
   * reason is a finding at `at`. Follows one step only.
   */
  resolve(reference: string, at: SourceLocation): Node | undefined {
    if (/^([a-z][a-z0-9+.-]*:)?\/\//i.test(reference) || /^(https?|urn|file|data):/i.test(reference)) {
      const hint = 'save a copy beside this document and refer to the file'
      this.#findings.error(at, 'remote-reference', `\`${reference}\` is remote; references are never fetched`, hint)
      return undefined
    }
    const [path, fragment] = splitOnce(reference, '#')
    const decodedPath = decoded(path)
    const decodedFragment = decoded(fragment)
    if (decodedPath === undefined || decodedFragment === undefined) {
      this.#findings.error(at, 'unresolved-reference', `\`${reference}\` has a broken % escape`, 'write % as %25')
      return undefined
    }
    const file =
      decodedPath === '' ? at.file : isAbsolute(decodedPath) ? decodedPath : resolve(dirname(at.file), decodedPath)
    const root = this.open(file, at)
    if (root === undefined) return undefined
    const steps = pointerSteps(decodedFragment)
    return steps === undefined
      ? this.#anchor(file, root, decodedFragment, reference, at)
      : this.#walk(root, steps, reference, at)
  }

  #walk(root: Node, steps: readonly string[], reference: string, at: SourceLocation): Node | undefined {
    let node = root
    for (const [index, step] of steps.entries()) {
      const next =
        node.kind === 'map' ? field(node, step) : node.kind === 'list' ? node.items[indexOf(step)] : undefined
      if (next === undefined) {
        const where = index === 0 ? 'the document' : `\`/${steps.slice(0, index).join('/')}\``
        const names = node.kind === 'map' ? [...node.entries.keys()] : []
        const hint = didYouMean(
          step,
          names,
          names.length > 0 ? `there are: ${listed(names)}` : 'correct the reference, or add what it names',
        )
        this.#findings.error(
          at,
          'unresolved-reference',
          `\`${reference}\` points nowhere: ${where} has no \`${step}\``,
          hint,
        )
        return undefined
      }
      node = next
    }
    return node
  }

  #anchor(file: string, root: Node, name: string, reference: string, at: SourceLocation): Node | undefined {
    let anchors = this.#anchors.get(file)
    if (anchors === undefined) {
      anchors = anchorsOf(root)
      this.#anchors.set(file, anchors)
    }
    const found = anchors.get(name)
    if (found === undefined) {
      const hint = didYouMean(name, anchors.keys(), 'write it as a pointer: `#/components/…`')
      this.#findings.error(
        at,
        'unresolved-reference',
        `\`${reference}\` points nowhere: there is no $anchor \`${name}\``,
        hint,
      )
    }
    return found
  }
}

function anchorsOf(root: Node): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>()
  const seen = new Set<Node>()
  const visit = (node: Node): void => {
    if (node.kind === 'scalar' || seen.has(node)) return
    seen.add(node)
    if (node.kind === 'list') return node.items.forEach(visit)
    for (const key of ['$anchor', '$dynamicAnchor']) {
      const name = field(node, key)
      if (name?.kind === 'scalar' && typeof name.value === 'string' && !found.has(name.value))
        found.set(name.value, node)
    }
    for (const { value } of node.entries.values()) visit(value)
  }
  visit(root)
  return found
}

function shown(file: string, asked: SourceLocation): string {
  return `\`${relative(dirname(asked.file), file)}\``
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator)
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function indexOf(step: string): number {
  return /^(0|[1-9]\d*)$/.test(step) ? Number(step) : -1
}
