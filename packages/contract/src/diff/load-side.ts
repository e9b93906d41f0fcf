import { dirname, join } from 'node:path'
import { Findings } from '../findings/findings.ts'
import type { Finding } from '../model/finding.ts'
import type { SourceLocation } from '../model/location.ts'
import type { System } from '../model/system.ts'
import { disk } from '../source/files.ts'
import type { Files } from '../source/files.ts'
import { field, keyPlace, text } from '../source/node.ts'
import type { Node } from '../source/node.ts'
import { parseYaml } from '../source/parse-yaml.ts'
import { pointerSteps } from '../source/pointer.ts'
import { Sources } from '../source/sources.ts'
import { untrueFaults } from './untrue-faults.ts'
import { buildSystem } from '../system/build-system.ts'
import { readSystemFiles } from '../system/read-files.ts'
import type { Environment } from '../system/variables.ts'

/** What is compared: a spandrel.yaml with all it includes, or documents that no system names. */
export type SideInput =
  | { readonly system: string }
  /** those of one `name` become a service; it is what the two sides are matched by */
  | { readonly documents: readonly { readonly name: string; readonly file: string }[] }

export interface SideOptions {
  /** the disk by default */
  readonly files?: Files
  readonly env?: Environment
}

/** One of the two sides of a comparison. */
export interface Side {
  readonly system: System
  /** faults that leave parts of it unread are here; the comparison goes on without them */
  readonly findings: readonly Finding[]
  /** those of them, and of documents alone, that make it say something else than was meant: see `untrueFaults` */
  readonly untrue: readonly Finding[]
  /** where a part of a schema was written: `steps` inside the schema at `from`, through its references */
  readonly locate: (from: SourceLocation, steps: readonly string[]) => SourceLocation
  /** the text of one of its files, for excerpts; undefined where it cannot be read */
  readonly text: (file: string) => string | undefined
}

/** A side that cannot be compared, and why. */
export interface Unread {
  readonly system?: never
  readonly findings: readonly Finding[]
}

/** What leaves nothing to compare, or would make a removed part of what is only missing. */
const fatal = new Set([
  'alias-cycle',
  'empty-document',
  'file-too-large',
  'include-cycle',
  'missing-file',
  'no-services',
  'not-a-file',
  'not-text',
  'remote-reference',
  'syntax',
  'too-deep',
  'too-many-nodes',
  'unknown-alias',
  'unknown-document',
  'unreadable-file',
  'unresolved-reference',
  'unsupported-version',
])

/** Reads one side. Findings alone where it cannot be compared. */
export function loadSide(input: SideInput, options: SideOptions = {}): Side | Unread {
  const files = options.files ?? disk
  const env = options.env ?? {}
  const findings = new Findings()
  const sources = new Sources(findings, files)
  const roots = 'system' in input ? readSystemFiles(input.system, env, sources, findings) : wrapped(input, findings)
  const system = buildSystem(roots, env, sources, findings)
  const faults = findings.sorted().filter(({ severity }) => severity === 'error')
  const stop = faults.filter(({ id }) => fatal.has(id))
  if (system === undefined || stop.length > 0) return { findings: stop.length > 0 ? stop : faults }
  return {
    system,
    findings: faults,
    untrue: untrueFaults(findings, 'system' in input ? roots.map(({ file }) => file) : [], system),
    locate: (from, steps) => locate(from, steps, sources),
    text: (file) => {
      try {
        return new TextDecoder().decode(files.read(file))
      } catch {
        return undefined
      }
    },
  }
}

/** Documents alone are a system too: one service for each name, whose faults are not the reader's to repair. */
function wrapped(input: Extract<SideInput, { documents: unknown }>, findings: Findings) {
  const file = join(dirname(input.documents[0]?.file ?? '/'), '(documents)')
  const services: Record<string, { external: true; contracts: string[] }> = {}
  for (const { name, file: contract } of input.documents) {
    services[name] = { external: true, contracts: [...(services[name]?.contracts ?? []), contract] }
  }
  const root = parseYaml(file, JSON.stringify({ version: 1, system: 'documents', services }), findings)
  return root === undefined ? [] : [{ file, dir: dirname(file), root }]
}

/** As far as the steps lead; a part that is written in another form (draft-07 tuples) is shown at what holds it. */
function locate(from: SourceLocation, steps: readonly string[], sources: Sources): SourceLocation {
  const root = sources.open(from.file, from)
  let node = root === undefined ? undefined : walk(root, pointerSteps(from.pointer) ?? [])
  if (node === undefined) return from
  let at = from
  for (const step of steps) {
    node = followed(node, sources)
    const next: Node | undefined =
      node.kind === 'map' ? field(node, step) : node.kind === 'list' ? node.items[Number(step)] : undefined
    if (next === undefined) return at === from ? from : at
    at = node.kind === 'map' ? keyPlace(node, step) : next.at
    node = next
  }
  return at
}

function walk(root: Node, steps: readonly string[]): Node | undefined {
  let node: Node | undefined = root
  for (const step of steps) {
    node = node?.kind === 'list' ? node.items[Number(step)] : field(node, step)
  }
  return node
}

function followed(node: Node, sources: Sources): Node {
  let current = node
  for (let hops = 0; hops < 50; hops++) {
    const reference = field(current, '$ref')
    const written = text(reference)
    if (reference === undefined || written === undefined) return current
    const target = sources.resolve(written, reference.at)
    if (target === undefined) return current
    current = target
  }
  return current
}
