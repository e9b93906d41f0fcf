/** Which members a schema evaluates, for `unevaluatedProperties`; known only as far as it is known which schemas hold. */
import type { Branch } from './branch.ts'
import { concerns } from './evaluate.ts'
import type { Part } from './part.ts'
import { patternMatches } from './pattern-matches.ts'
import type { SchemaNode } from './schema-node.ts'

export interface EvaluatedNames {
  readonly names: ReadonlySet<string>
  readonly patterns: ReadonlySet<string>
  readonly covers: (name: string) => boolean
}

/** Counting every alternative that has not failed. */
export function canBeEvaluated(node: SchemaNode, branch: Branch): EvaluatedNames {
  const absent = new Set(
    branch.facts.flatMap(({ part, negated }) => (negated && part.kind === 'required' ? [part.name] : [])),
  )
  return collected(node, (inner, name) => branch.sign(inner) !== false && (name === undefined || !absent.has(name)))
}

/** Counting only alternatives that are known to hold. */
export function isEvaluated(node: SchemaNode, branch: Branch): EvaluatedNames {
  return collected(node, (inner) => branch.sign(inner) === true)
}

function collected(root: SchemaNode, counts: Counts): EvaluatedNames {
  const names = new Set<string>()
  const patterns = new Set<string>()
  const tests: ((name: string) => boolean)[] = []
  for (const part of inPlace(root, counts)) {
    if (part.kind === 'property') names.add(part.name)
    else if (part.kind === 'patternProperty') patterns.add(part.pattern)
    else if (part.kind === 'additional') {
      for (const name of part.names) names.add(name)
      for (const pattern of part.patterns) patterns.add(pattern)
      tests.push((name) => concerns(part, name))
    } else if (part.kind === 'unevaluatedProperties' && part.owner !== root) tests.push(() => true)
  }
  const covers = (name: string): boolean =>
    names.has(name) ||
    [...patterns].some((pattern) => patternMatches(pattern, name)) ||
    tests.some((test) => test(name))
  return { names, patterns, covers }
}

/** Whether an alternative is to be counted; one of `dependentSchemas` depends on the member of that name. */
type Counts = (node: SchemaNode, name?: string) => boolean

/** The parts of a schema and of those that apply to the same instance. */
export function* inPlace(node: SchemaNode, counts: Counts, seen: Set<SchemaNode> = new Set()): Generator<Part> {
  if (seen.has(node)) return
  seen.add(node)
  for (const part of node.parts) {
    yield part
    if (part.kind === 'all') yield* inPlace(part.node, counts, seen)
    else if (part.kind === 'any' || part.kind === 'one') {
      for (const inner of part.nodes) if (counts(inner)) yield* inPlace(inner, counts, seen)
    } else if (part.kind === 'if') {
      for (const inner of [part.condition, part.whenTrue, part.whenFalse]) {
        if (inner !== undefined && counts(inner)) yield* inPlace(inner, counts, seen)
      }
    } else if (part.kind === 'dependentSchema' && counts(part.node, part.name)) yield* inPlace(part.node, counts, seen)
  }
}
