/** What is known of an object: what its members have to be, which it must and must not have, and how many. */
import type { Branch, Fact } from './branch.ts'
import { concerns } from './evaluate.ts'
import { canBeEvaluated, isEvaluated } from './evaluated-names.ts'
import { type Literal, no, yes } from './literal.ts'
import { patternMatches } from './pattern-matches.ts'
import type { SchemaNode } from './schema-node.ts'

/** A schema for some of the members. */
interface Rule {
  readonly concerns: (name: string) => boolean
  readonly node: SchemaNode
}

/** A member that has to exist, and fail a schema; or one whose name fails a schema. */
export interface Demand {
  /** where only this one will do */
  readonly name?: string
  readonly concerns: (name: string) => boolean
  readonly literals: readonly Literal[]
  /** what its name has to satisfy, as a text */
  readonly nameLiterals: readonly Literal[]
}

export interface ObjectFacts {
  min: number
  max: number
  readonly required: Set<string>
  readonly forbidden: Set<string>
  readonly rules: Rule[]
  readonly demands: Demand[]
  readonly names: SchemaNode[]
  /** names that any rule or demand mentions */
  readonly known: Set<string>
  readonly patterns: Set<string>
}

/** Undefined where the facts contradict each other by themselves. */
export function objectFacts(branch: Branch): ObjectFacts | undefined {
  const facts: ObjectFacts = {
    min: 0,
    max: Number.POSITIVE_INFINITY,
    required: new Set(),
    forbidden: new Set(),
    rules: [],
    demands: [],
    names: [],
    known: new Set(),
    patterns: new Set(),
  }
  for (const fact of branch.facts) read(fact, facts, branch)
  for (const name of [...facts.required, ...facts.forbidden]) facts.known.add(name)
  const impossible = facts.min > facts.max || [...facts.required].some((name) => facts.forbidden.has(name))
  return impossible ? undefined : facts
}

function read({ part, negated }: Fact, facts: ObjectFacts, branch: Branch): void {
  const rule = (about: (name: string) => boolean, node: SchemaNode, name?: string): void => {
    if (!negated) facts.rules.push({ concerns: about, node })
    else {
      const literals = [no(node)]
      facts.demands.push({ concerns: about, literals, nameLiterals: [], ...(name === undefined ? {} : { name }) })
    }
  }
  switch (part.kind) {
    case 'required':
      ;(negated ? facts.forbidden : facts.required).add(part.name)
      break
    case 'minProperties':
    case 'maxProperties': {
      const lower = (part.kind === 'minProperties') !== negated
      const limit = negated ? (part.kind === 'minProperties' ? part.count - 1 : part.count + 1) : part.count
      if (lower) facts.min = Math.max(facts.min, Math.ceil(limit))
      else facts.max = Math.min(facts.max, Math.floor(limit))
      break
    }
    case 'property':
      facts.known.add(part.name)
      rule((name) => name === part.name, part.node, part.name)
      break
    case 'patternProperty':
      facts.patterns.add(part.pattern)
      rule((name) => patternMatches(part.pattern, name), part.node)
      break
    case 'additional':
      for (const name of part.names) facts.known.add(name)
      for (const pattern of part.patterns) facts.patterns.add(pattern)
      rule((name) => concerns(part, name), part.node)
      break
    case 'unevaluatedProperties': {
      const { names, patterns, covers } = negated ? isEvaluated(part.owner, branch) : canBeEvaluated(part.owner, branch)
      for (const name of names) facts.known.add(name)
      for (const pattern of patterns) facts.patterns.add(pattern)
      rule((name) => !covers(name), part.node)
      break
    }
    case 'propertyNames':
      if (!negated) facts.names.push(part.node)
      else facts.demands.push({ concerns: () => true, literals: [], nameLiterals: [no(part.node)] })
      break
    default:
      break
  }
}

/** What the member of this name has to be. */
export function memberLiterals(facts: ObjectFacts, name: string): Literal[] {
  return facts.rules.filter((rule) => rule.concerns(name)).map(({ node }) => yes(node))
}
