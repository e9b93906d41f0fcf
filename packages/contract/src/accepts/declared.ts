/**
 * The tolerant policy: which members an object of the writer may have.
 *
 * A member is declared where a schema of the writer that applies to the object names it (`properties`, `required`,
 * `dependentRequired`), matches it (`patternProperties`), or describes whatever else there is by a schema that is not
 * simply `true`. Undeclared members are assumed absent, with one exception: where the writer says explicitly that
 * there may be others (`additionalProperties: true`), or names no member at all (`type: object` alone), others may
 * come, but none of those that the reader names. So a reader may add an optional member of any type, and a reader that
 * closes an object, or narrows a free-form one, is still found out.
 */
import { inPlace } from './evaluated-names.ts'
import { isNode, type Literal } from './literal.ts'
import { concerns } from './evaluate.ts'
import { patternMatches } from './pattern-matches.ts'
import type { Part } from './part.ts'
import type { SchemaNode } from './schema-node.ts'

export interface Declared {
  /** whether the writer may send a member of this name */
  readonly allows: (name: string) => boolean
  /** names of which the reader speaks; others are alike to it */
  readonly readerNames: ReadonlySet<string>
}

/**
 * `possible`: schemas of alternatives that are not chosen yet. What they declare is allowed until they are; so nothing
 * is excluded too early.
 */
export function declaredBy(
  writers: readonly SchemaNode[],
  possible: readonly SchemaNode[],
  literals: readonly Literal[],
): Declared {
  const readerNames = namesOfReader(literals)
  const certain = declarations(writers.flatMap(({ parts }) => parts))
  const maybe = declarations(possible.flatMap((node) => [...inPlace(node, () => true)]))
  const open = certain.explicit || maybe.explicit || certain.nameless
  const allows = (name: string): boolean =>
    certain.declares(name) || maybe.declares(name) || (open && !readerNames.has(name))
  return { allows, readerNames }
}

interface Declarations {
  readonly declares: (name: string) => boolean
  /** says that there may be others */
  readonly explicit: boolean
  readonly nameless: boolean
}

function declarations(parts: readonly Part[]): Declarations {
  const names = new Set<string>()
  const patterns = new Set<string>()
  const tests: ((name: string) => boolean)[] = []
  let explicit = false
  for (const part of parts) {
    if (part.kind === 'property' || part.kind === 'required') names.add(part.name)
    else if (part.kind === 'dependentRequired') for (const name of part.needs) names.add(name)
    else if (part.kind === 'patternProperty') patterns.add(part.pattern)
    else if (part.kind === 'additional' || part.kind === 'unevaluatedProperties') {
      if (part.node.parts.length === 0) explicit = true
      else if (part.kind === 'additional') tests.push((name) => concerns(part, name))
      else tests.push(() => true)
    }
  }
  const declares = (name: string): boolean =>
    names.has(name) ||
    [...patterns].some((pattern) => patternMatches(pattern, name)) ||
    tests.some((test) => test(name))
  return { declares, explicit, nameless: names.size === 0 && patterns.size === 0 }
}

/** Whatever the reader names at this place, in any of its alternatives. */
function namesOfReader(literals: readonly Literal[]): Set<string> {
  const names = new Set<string>()
  for (const { of } of literals) {
    const owner = isNode(of) ? of : of.owner
    if (owner.side !== 'reader') continue
    for (const name of namesInPlace(owner)) names.add(name)
    if (isNode(of)) continue
    for (const inner of nodesOf(of)) for (const name of namesInPlace(inner)) names.add(name)
  }
  return names
}

function nodesOf(part: Part): readonly SchemaNode[] {
  if (part.kind === 'all' || part.kind === 'not' || part.kind === 'dependentSchema') return [part.node]
  return part.kind === 'any' || part.kind === 'one' ? part.nodes : []
}

const remembered = new WeakMap<SchemaNode, ReadonlySet<string>>()

function namesInPlace(node: SchemaNode): ReadonlySet<string> {
  const known = remembered.get(node)
  if (known !== undefined) return known
  const names = new Set<string>()
  for (const part of inPlace(node, () => true)) {
    if (part.kind === 'property' || part.kind === 'required') names.add(part.name)
    else if (part.kind === 'not') for (const name of namesInPlace(part.node)) names.add(name)
  }
  remembered.set(node, names)
  return names
}
