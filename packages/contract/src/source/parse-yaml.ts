import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Alias, Node as YamlNode, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import type { Findings } from '../findings/findings.ts'
import type { SourceLocation } from '../model/location.ts'
import { DEEPEST, MOST_NODES, Unreadable } from './limits.ts'
import type { Entry, ListNode, MapNode, Node } from './node.ts'
import { pointerTo } from './pointer.ts'

/**
 * YAML 1.2 to located nodes, by the `yaml` package's syntax tree: it alone among the parsers tried gives
 * exact places of keys and values, and goes on after a fault. About 1 MB a second.
 */

/** After a syntax error the rest is often a shower of consequences. */
const MOST_SYNTAX_ERRORS = 10

/** Undefined where the text has no usable content; the faults are in `findings`. */
export function parseYaml(file: string, source: string, findings: Findings): Node | undefined {
  const lines = new LineCounter()
  const place = (offset: number, pointer = ''): SourceLocation => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), pointer }
  }
  // `uniqueKeys` compares every key with every other; the reader below finds duplicates with a set.
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: false, prettyErrors: false })
  for (const error of document.errors.slice(0, MOST_SYNTAX_ERRORS)) {
    const at = place(error.pos[0])
    if (error.code === 'RESOURCE_EXHAUSTION') {
      findings.error(at, 'too-deep', 'the nesting is too deep to be read', 'split the document with $ref')
    } else findings.error(at, 'syntax', sentence(error.message), syntaxHint(error.code))
  }
  if (document.errors.length > 0) return undefined
  if (document.contents === null) {
    findings.error(
      place(0),
      'empty-document',
      'the document is empty',
      'write the document, or remove the reference to it',
    )
    return undefined
  }
  try {
    return new Reader(place, findings).read(document.contents as YamlNode, '', 0).node
  } catch (fault) {
    if (fault instanceof Unreadable) return undefined
    throw fault
  }
}

/** A node and its size with all aliases unfolded. */
interface Sized {
  node: Node
  size: number
}

class Reader {
  readonly #place: (offset: number, pointer?: string) => SourceLocation
  readonly #findings: Findings
  /** anchors seen so far, as an alias may name only earlier ones; `open` while their own content is being read */
  readonly #anchors = new Map<string, Sized | 'open'>()

  constructor(place: (offset: number, pointer?: string) => SourceLocation, findings: Findings) {
    this.#place = place
    this.#findings = findings
  }

  read(from: YamlNode, pointer: string, depth: number): Sized {
    if (depth > DEEPEST) {
      this.#give(from, pointer, 'too-deep', `more than ${DEEPEST} levels of nesting`, 'split the document with $ref')
    }
    if (isAlias(from)) return this.#alias(from, pointer)
    const { anchor } = from as Scalar | YAMLMap | YAMLSeq
    if (anchor !== undefined) this.#anchors.set(anchor, 'open')
    const sized = this.#content(from, pointer, depth)
    if (sized.size > MOST_NODES) {
      const message = `with its aliases unfolded the document has more than ${MOST_NODES} nodes`
      this.#give(from, pointer, 'too-many-nodes', message, 'use $ref instead of nested YAML aliases')
    }
    if (anchor !== undefined) this.#anchors.set(anchor, sized)
    return sized
  }

  #content(from: YamlNode, pointer: string, depth: number): Sized {
    if (isMap(from)) return this.#map(from, pointer, depth)
    if (isSeq(from)) return this.#list(from, pointer, depth)
    const { value, source } = from as Scalar
    const at = this.#at(from, pointer)
    const kept = value === null || ['string', 'number', 'boolean'].includes(typeof value)
    const text = source ?? String(value)
    return { node: { kind: 'scalar', at, value: kept ? (value as string) : text, source: text }, size: 1 }
  }

  #list(from: YAMLSeq, pointer: string, depth: number): Sized {
    let size = 1
    const items = from.items.map((item, index) => {
      const read = this.read(item as YamlNode, pointerTo(pointer, index), depth + 1)
      size += read.size
      return read.node
    })
    return { node: { kind: 'list', at: this.#at(from, pointer), items } satisfies ListNode, size }
  }

  #map(from: YAMLMap, pointer: string, depth: number): Sized {
    const entries = new Map<string, Entry>()
    const merged: Node[] = []
    let size = 1
    for (const { key, value } of from.items as { key: YamlNode; value: YamlNode | null }[]) {
      if (!isScalar(key)) {
        const message = 'a key must be plain text'
        this.#findings.error(
          this.#at(key, pointer),
          'syntax',
          message,
          'quote it if it begins with a special character',
        )
        continue
      }
      // Numbers are taken as written: `200`, and `1.0` stays `1.0`.
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
      const inner = pointerTo(pointer, name)
      const keyAt = this.#at(key, inner)
      const read: Sized =
        value === null
          ? { node: { kind: 'scalar', at: keyAt, value: null, source: '' }, size: 1 }
          : this.read(value, inner, depth + 1)
      // Set once, while the node is new: an alias keeps the place of its anchor.
      if (!isAlias(value)) (read.node as { keyAt?: SourceLocation }).keyAt = keyAt
      size += read.size
      if (name === '<<' && key.type === 'PLAIN')
        merged.push(...(read.node.kind === 'list' ? read.node.items : [read.node]))
      else if (entries.has(name)) {
        const first = entries.get(name)?.keyAt.line
        const message = `\`${name}\` is written twice in one object (first in line ${first})`
        this.#findings.error(keyAt, 'duplicate-key', message, 'remove or rename one of them')
      } else entries.set(name, { keyAt, value: read.node })
    }
    // YAML 1.1 merge keys: what is written here wins over what is merged in, earlier merges over later ones.
    for (const node of merged) {
      for (const [name, entry] of node.kind === 'map' ? node.entries : []) {
        if (!entries.has(name)) entries.set(name, entry)
      }
    }
    return { node: { kind: 'map', at: this.#at(from, pointer), entries } satisfies MapNode, size }
  }

  #alias(from: Alias, pointer: string): Sized {
    const found = this.#anchors.get(from.source)
    if (found === undefined) {
      const hint = `write \`&${from.source}\` at an earlier node, or use $ref`
      this.#give(from, pointer, 'unknown-alias', `there is no anchor \`&${from.source}\` before this alias`, hint)
    }
    if (found === 'open') {
      this.#give(from, pointer, 'alias-cycle', `\`*${from.source}\` contains itself`, 'use $ref for recursive schemas')
    }
    return found
  }

  #at(from: YamlNode, pointer: string): SourceLocation {
    return this.#place(from.range?.[0] ?? 0, pointer)
  }

  #give(from: YamlNode, pointer: string, id: string, message: string, suggestion: string): never {
    this.#findings.error(this.#at(from, pointer), id, message, suggestion)
    throw new Unreadable(message)
  }
}

function sentence(message: string): string {
  // The library speaks to whoever calls it; the reader of a file cannot call another function.
  if (message.includes('parseAllDocuments')) return 'the file has several documents'
  return (message.split('\n')[0] ?? message).replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())
}

function syntaxHint(code: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'indent with spaces'
    case 'BAD_INDENT':
      return 'indent it like its neighbours, or close the bracket before it'
    case 'MISSING_CHAR':
      return 'close the quote or bracket, or put the missing character in'
    case 'MULTIPLE_DOCS':
      return 'keep one document a file: remove the second `---`'
    case 'BAD_SCALAR_START':
      return 'put the text in quotes'
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'check the indentation, and put text that contains `: ` in quotes'
    default:
      return 'repair the syntax here; everything else is checked after that'
  }
}
