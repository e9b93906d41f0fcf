import type { JsonSchema } from '../../model/schema.ts'
import { propertiesOf } from '../../schema/look-through.ts'
import { sharedPlaces, type NamedOfBoth, type SharedPlace } from './shared-places.ts'

/** A place that both schemas have, whose object has other properties by name. */
export interface MemberChange extends Pick<SharedPlace, 'path' | 'steps'> {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Properties that came or went: under a schema that lets others pass, that changes nothing of what is accepted. */
export function* memberChanges(before: JsonSchema, after: JsonSchema, named: NamedOfBoth): Generator<MemberChange> {
  for (const { path, steps, ...place } of sharedPlaces(before, after, named)) {
    const [olds, news] = [propertiesOf(place.before, named.base), propertiesOf(place.after, named.revision)]
    // One that has none says nothing of its properties.
    if (olds.size === 0 || news.size === 0) continue
    const added = [...news.keys()].filter((name) => !olds.has(name))
    const removed = [...olds.keys()].filter((name) => !news.has(name))
    if (added.length + removed.length > 0) yield { path, steps, added, removed }
  }
}
