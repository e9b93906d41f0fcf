import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '../../model/schema.ts'
import { parts, type Named } from '../../schema/look-through.ts'
import { sharedPlaces, type NamedOfBoth, type SharedPlace } from './shared-places.ts'

export interface DefaultChange extends Pick<SharedPlace, 'path' | 'steps'> {
  /** absent: there was none; JSON has no undefined */
  readonly before?: unknown
  readonly after?: unknown
}

/** Every place that both schemas have, and whose `default` is not the same: what nobody sends is read as that. */
export function* defaultChanges(before: JsonSchema, after: JsonSchema, named: NamedOfBoth): Generator<DefaultChange> {
  for (const place of sharedPlaces(before, after, named)) {
    const [old, now] = [defaultOf(place.before, named.base), defaultOf(place.after, named.revision)]
    if (isDeepStrictEqual(old, now)) continue
    yield { path: place.path, steps: [...place.steps, 'default'], before: old, after: now }
  }
}

/** Of the schema itself, or of what it refers to and is made of; the nearest wins. */
function defaultOf(schema: JsonSchema, named: Named): unknown {
  return parts(schema, named).find((part) => 'default' in part)?.['default']
}
