import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '../../model/schema.ts'
import { itemsOf, parts, propertiesOf, type Named } from '../../schema/look-through.ts'

export interface DefaultChange {
  /** JSON pointer into instances; `*` is any item */
  readonly path: string
  /** steps inside the schema, through its references */
  readonly steps: readonly string[]
  readonly before?: unknown
  readonly after?: unknown
}

/** Every place that both schemas have, and whose `default` is not the same: what nobody sends is read as that. */
export function* defaultChanges(
  before: JsonSchema,
  after: JsonSchema,
  named: { readonly base: Named; readonly revision: Named },
  at: { readonly path: string; readonly steps: readonly string[] } = { path: '', steps: [] },
  seen: Map<JsonSchema, JsonSchema> = new Map(),
): Generator<DefaultChange> {
  if (seen.get(after) === before) return
  seen.set(after, before)
  const [old, now] = [defaultOf(before, named.base), defaultOf(after, named.revision)]
  if (!isDeepStrictEqual(old, now)) {
    const { path, steps } = at
    yield { path, steps: [...steps, 'default'], ...(old && { before: old.value }), ...(now && { after: now.value }) }
  }
  const members = propertiesOf(before, named.base)
  for (const [name, member] of propertiesOf(after, named.revision)) {
    const twin = members.get(name)
    const place = { path: `${at.path}/${name}`, steps: [...at.steps, 'properties', name] }
    if (twin !== undefined) yield* defaultChanges(twin, member, named, place, seen)
  }
  const [item, twin] = [itemsOf(after, named.revision), itemsOf(before, named.base)]
  if (item === undefined || twin === undefined) return
  yield* defaultChanges(twin, item, named, { path: `${at.path}/*`, steps: [...at.steps, 'items'] }, seen)
}

/** Of the schema itself, or of what it refers to and is made of; the nearest wins. */
function defaultOf(schema: JsonSchema, named: Named): { readonly value: unknown } | undefined {
  const found = parts(schema, named).find((part) => 'default' in part)
  return found === undefined ? undefined : { value: found['default'] }
}
