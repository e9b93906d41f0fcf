import type { Entry, MapNode, Node } from './node.ts'

/** Told of each `null`: what it removed, or undefined where there was nothing to remove. */
export type Removed = (key: string, entry: Entry, before: Node | undefined) => void

/**
 * RFC 7396 (JSON Merge Patch) on located nodes: `patch` wins, maps merge, `null` removes, anything else replaces.
 * Every part keeps the place where it was written, so a fault in a merged value is shown where its author wrote it.
 */
export function mergePatch(base: Node | undefined, patch: Node | undefined, removed?: Removed): Node | undefined {
  if (patch === undefined) return base
  if (patch.kind === 'scalar' && patch.value === null) return undefined
  if (patch.kind !== 'map') return patch
  const entries = new Map<string, Entry>(base?.kind === 'map' ? base.entries : [])
  for (const [key, entry] of patch.entries) {
    const before = entries.get(key)?.value
    const value = mergePatch(before, entry.value, removed)
    if (value === undefined) {
      entries.delete(key)
      removed?.(key, entry, before)
    }
    if (value !== undefined) entries.set(key, { keyAt: entry.keyAt, value })
  }
  return { kind: 'map', at: patch.at, entries } satisfies MapNode
}

/** Later layers win. */
export function mergeAll(layers: readonly (Node | undefined)[], removed?: Removed): Node | undefined {
  return layers.reduce<Node | undefined>((merged, layer) => mergePatch(merged, layer, removed), undefined)
}
