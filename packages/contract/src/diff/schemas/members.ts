import type { JsonSchema } from '../../model/schema.ts'
import { itemsOf, propertiesOf, type Named } from '../../schema/look-through.ts'

/** A place that both schemas have, whose object has other properties by name. */
export interface MemberChange {
  /** JSON pointer into instances; `*` is any item */
  readonly path: string
  /** steps inside the schema, through its references */
  readonly steps: readonly string[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Properties that came or went: under a schema that lets others pass, that changes nothing of what is accepted. */
export function* memberChanges(
  before: JsonSchema,
  after: JsonSchema,
  named: { readonly base: Named; readonly revision: Named },
  at: { readonly path: string; readonly steps: readonly string[] } = { path: '', steps: [] },
  seen: Map<JsonSchema, JsonSchema> = new Map(),
): Generator<MemberChange> {
  if (seen.get(after) === before) return
  seen.set(after, before)
  const [olds, news] = [propertiesOf(before, named.base), propertiesOf(after, named.revision)]
  // One that has none says nothing of its properties.
  if (olds.size > 0 && news.size > 0) {
    const added = [...news.keys()].filter((name) => !olds.has(name))
    const removed = [...olds.keys()].filter((name) => !news.has(name))
    if (added.length + removed.length > 0) yield { ...at, added, removed }
  }
  for (const [name, member] of news) {
    const twin = olds.get(name)
    const place = { path: `${at.path}/${name}`, steps: [...at.steps, 'properties', name] }
    if (twin !== undefined) yield* memberChanges(twin, member, named, place, seen)
  }
  const [item, twin] = [itemsOf(after, named.revision), itemsOf(before, named.base)]
  if (item === undefined || twin === undefined) return
  yield* memberChanges(twin, item, named, { path: `${at.path}/*`, steps: [...at.steps, 'items'] }, seen)
}
