import type { SourceLocation } from '../model/location.ts'
import type { Entry, ListNode, MapNode, Node, ScalarNode } from './node.ts'
import { keyPlace } from './node.ts'

/** Nodes that nobody wrote, for documents that are read as another version. Each stands where its original does. */

export function scalarNode(at: SourceLocation, value: string | number | boolean): ScalarNode {
  return { kind: 'scalar', at, value, source: String(value) }
}

export function listNode(at: SourceLocation, items: readonly Node[]): ListNode {
  return { kind: 'list', at, items }
}

/** Members that are undefined are left out. */
export function mapNode(at: SourceLocation, members: Readonly<Record<string, Node | undefined>>): MapNode {
  const entries = Object.entries(members).flatMap(([key, value]): [string, Entry][] =>
    value === undefined ? [] : [[key, { keyAt: value.keyAt ?? value.at, value }]],
  )
  return { kind: 'map', at, entries: new Map(entries) }
}

/** A copy with other members; one that is undefined is removed. */
export function withMembers(node: MapNode, members: Readonly<Record<string, Node | undefined>>): MapNode {
  const entries = new Map(node.entries)
  for (const [key, value] of Object.entries(members)) {
    if (value === undefined) entries.delete(key)
    else entries.set(key, { keyAt: keyPlace(node, key), value })
  }
  return { ...node, entries }
}
