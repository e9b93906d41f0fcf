import { basename, dirname } from 'node:path'
import type { SourceLocation } from '../model/location.ts'
import type { Node } from '../source/node.ts'
import type { SystemFile } from './read-files.ts'

/**
 * spandrel.yaml files that nobody wrote, for contracts alone: one a service. Everything in one stands at the beginning
 * of the service's first document, which is what a finding about it can name.
 */
export function documentsAsFiles(documents: readonly string[]): readonly SystemFile[] {
  const groups = Map.groupBy(documents, (file) => file.replace(/(\.(openapi|asyncapi|arazzo))?\.(ya?ml|json)$/i, ''))
  const names = new Set<string>()
  return [...groups].map(([stem, files]) => {
    const at: SourceLocation = { file: files[0] ?? stem, line: 1, column: 1, pointer: '' }
    const contracts: Node = { kind: 'list', at, items: files.map((file) => scalar(at, file)) }
    const services = map(at, { [freeName(basename(stem), names)]: map(at, { contracts }) })
    const root = map(at, { version: scalar(at, 1), system: scalar(at, 'documents'), services })
    return { file: at.file, dir: dirname(at.file), root }
  })
}

function freeName(written: string, names: Set<string>): string {
  const plain = written
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
  const base = plain === '' ? 'service' : plain
  let name = base
  for (let number = 2; names.has(name); number++) name = `${base}-${number}`
  names.add(name)
  return name
}

function map(at: SourceLocation, members: Readonly<Record<string, Node>>): Node {
  const entries = Object.entries(members).map(([key, value]) => [key, { keyAt: at, value }] as const)
  return { kind: 'map', at, entries: new Map(entries) }
}

function scalar(at: SourceLocation, value: string | number): Node {
  return { kind: 'scalar', at, value, source: String(value) }
}
