import type { SourceLocation } from '../model/location.ts'

/**
 * The tree every document becomes, whatever its syntax: maps, lists and scalars that know where they were written.
 *
 * Anchors are shared, not copied: the tree is a DAG, so an alias bomb costs nothing to hold. Its *unfolded* size is
 * bounded when it is parsed (parse-yaml.ts), so walking it as a tree is bounded too. There are no cycles.
 */
export type Node = MapNode | ListNode | ScalarNode

interface Placed {
  /** where the value stands */
  readonly at: SourceLocation
  /** where its key stands, if it is the member of a map */
  readonly keyAt?: SourceLocation
}

/** Where an element is said to be: at its key, as that has its name. */
export function placeOf(node: Node): SourceLocation {
  return node.keyAt ?? node.at
}

export interface MapNode extends Placed {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  /** where the key stands */
  readonly keyAt: SourceLocation
  readonly value: Node
}

export interface ListNode extends Placed {
  readonly kind: 'list'
  readonly items: readonly Node[]
}

export interface ScalarNode extends Placed {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** as written, without quotes: `1.0` */
  readonly source: string
}

/** The member of a map, or undefined where the node is no map or has no such member. */
export function field(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined
}

/** Where a member's key stands; the node's own place where it has no such member. */
export function keyPlace(node: Node, key: string): SourceLocation {
  return (node.kind === 'map' ? node.entries.get(key)?.keyAt : undefined) ?? node.at
}

export function mapAt(node: Node | undefined, key: string): MapNode | undefined {
  const found = field(node, key)
  return found?.kind === 'map' ? found : undefined
}

export function listAt(node: Node | undefined, key: string): readonly Node[] {
  const found = field(node, key)
  return found?.kind === 'list' ? found.items : []
}

export function textAt(node: Node | undefined, key: string): string | undefined {
  return text(field(node, key))
}

export function text(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined
}

export function numberAt(node: Node | undefined, key: string): number | undefined {
  const found = field(node, key)
  return found?.kind === 'scalar' && typeof found.value === 'number' ? found.value : undefined
}

export function flagAt(node: Node | undefined, key: string): boolean | undefined {
  const found = field(node, key)
  return found?.kind === 'scalar' && typeof found.value === 'boolean' ? found.value : undefined
}

/** The entries of a map member, in the order written; none where it is absent or no map. */
export function entriesAt(node: Node | undefined, key: string): [string, Entry][] {
  return entriesOf(field(node, key))
}

export function entriesOf(node: Node | undefined): [string, Entry][] {
  return node?.kind === 'map' ? [...node.entries] : []
}

/** The plain value. `Object.fromEntries` defines own properties, so a key `__proto__` stays a key. */
export function plain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plain)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.value)]))
}

/** How a value is named in messages: `a list`, `"8"`, `8`. */
export function describe(node: Node): string {
  if (node.kind === 'map') return node.entries.size === 0 ? 'an empty object' : 'an object'
  if (node.kind === 'list') return node.items.length === 0 ? 'an empty list' : 'a list'
  if (node.value === null) return 'nothing'
  const shown = typeof node.value === 'string' ? JSON.stringify(node.value) : node.source
  return shown.length > 60 ? `${shown.slice(0, 57)}…` : shown
}
