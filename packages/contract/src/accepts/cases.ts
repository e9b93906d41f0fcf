/** The ways through the writer's alternatives at one place, and what they say of a member or an item. */
import { Branch, type Option } from './branch.ts'
import { declaredBy } from './declared.ts'
import { holds } from './evaluate.ts'
import { inPlace } from './evaluated-names.ts'
import { isNode, type Literal, no, yes } from './literal.ts'
import { memberLiterals, objectFacts } from './object-facts.ts'
import type { Part } from './part.ts'
import type { Search } from './search.ts'
import { writersIn } from './places.ts'

const MOST_CASES = 32

/** Splits the alternatives of the writer; undefined where there are too many of them. */
export function casesOf(search: Search, type: number, context: readonly Literal[]): readonly Branch[] | undefined {
  const start = new Branch(type, search.equivalence, search.made)
  if (!context.every((literal) => start.add(literal)) || !start.simplify()) return []
  const done: Branch[] = []
  const open = [start]
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    const clause = branch.clauses.find(isAlternatives)
    if (clause === undefined) {
      done.push(branch)
    } else {
      for (const option of clause.toReversed()) {
        const next = branch.copy()
        next.clauses = next.clauses.filter((each) => each !== clause)
        if (option.every((literal) => next.add(literal)) && next.simplify()) open.push(next)
      }
    }
    if (done.length + open.length > MOST_CASES) return undefined
  }
  return done
}

/** Clauses of `anyOf`, `oneOf`, `if`: schemas that hold. Others only exclude something. */
function isAlternatives(clause: readonly Option[]): boolean {
  return clause.every((option) => option.some(({ of, negated }) => !negated && isNode(of) && of.side === 'writer'))
}

/** What the writer says of this member in one case; undefined where it does not send it. */
export function memberIn(search: Search, branch: Branch, part: Part, name: string): Literal[] | undefined {
  const facts = objectFacts(branch)
  if (facts === undefined || facts.forbidden.has(name)) return undefined
  if (facts.names.some((node) => !holds(node, name))) return undefined
  if (
    search.policy === 'tolerant' &&
    !declaredBy(branch.writers, branch.possibleWriters(), [no(part.owner)]).allows(name)
  )
    return undefined
  return memberLiterals(facts, name)
}

export function itemIn(branch: Branch, index: number): Literal[] {
  return branch.facts.flatMap(({ part, negated }) => {
    const applies =
      (part.kind === 'prefixItem' && part.index === index) || (part.kind === 'items' && part.from <= index)
    return applies && !negated ? [yes(part.node)] : []
  })
}

/** The alternatives a writer has at this place: contexts that together are the context. */
export function alternativesOf(context: readonly Literal[]): readonly (readonly Literal[])[] {
  for (const node of writersIn(context)) {
    for (const part of inPlace(node, () => false)) {
      if (part.kind === 'any' || part.kind === 'one') return part.nodes.map((each) => [...context, yes(each)])
    }
  }
  return [context]
}
