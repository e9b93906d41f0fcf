import type { JsonSchema } from '../../model/schema.ts'
import { itemsOf, propertiesOf, type Named } from '../../schema/look-through.ts'

/** What references lead to, on each side. */
export interface NamedOfBoth {
  readonly base: Named
  readonly revision: Named
}

/** A place in instances that both schemas speak of. */
export interface SharedPlace {
  /** JSON pointer into instances; `*` is any item */
  readonly path: string
  /** steps inside the schema, through its references */
  readonly steps: readonly string[]
  readonly before: JsonSchema
  readonly after: JsonSchema
}

/** The whole, and every property and item that both have, however deep; two schemas that meet again are met once. */
export function* sharedPlaces(before: JsonSchema, after: JsonSchema, named: NamedOfBoth): Generator<SharedPlace> {
  // By pairs: a circle of one schema may have become one of two, and then each meets both.
  const met = new Map<JsonSchema, Set<JsonSchema>>()
  const open: SharedPlace[] = [{ path: '', steps: [], before, after }]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const twins = met.get(place.after) ?? new Set()
    if (twins.has(place.before)) continue
    met.set(place.after, twins.add(place.before))
    yield place
    open.push(...inside(place, named).toReversed())
  }
}

function inside({ path, steps, before, after }: SharedPlace, named: NamedOfBoth): readonly SharedPlace[] {
  const olds = propertiesOf(before, named.base)
  const members = [...propertiesOf(after, named.revision)].flatMap(([name, now]) => {
    const old = olds.get(name)
    if (old === undefined) return []
    return [{ path: `${path}/${name}`, steps: [...steps, 'properties', name], before: old, after: now }]
  })
  const [old, now] = [itemsOf(before, named.base), itemsOf(after, named.revision)]
  if (old === undefined || now === undefined) return members
  return [...members, { path: `${path}/*`, steps: [...steps, 'items'], before: old, after: now }]
}
