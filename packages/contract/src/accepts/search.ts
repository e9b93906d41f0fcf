/**
 * Looks for an instance that satisfies some schemas and fails others: none proves that the former are within the
 * latter, one is the witness that they are not.
 *
 * For each type of instance the literals are taken apart into facts and clauses (branch.ts). A theory of the type
 * (numbers, strings, arrays, objects) proposes candidates for the facts, or proves that there are none. A candidate
 * that satisfies all literals ends the search; otherwise a clause that it violates is split, option by option. So
 * alternatives that do not matter are never looked at.
 *
 * Recursion: an instance contains only smaller ones. Should a search come back to itself inside of itself, nothing is
 * lost by answering "none" there, as a smallest instance does not contain another instance for the same question.
 */
import { Branch, type Option } from './branch.ts'
import { Equivalence } from './equivalence.ts'
import { arrayCandidates } from './array-candidates.ts'
import { isNode, type Literal, literalHolds, literalKey, no, yes } from './literal.ts'
import { numberCandidates } from './number-candidates.ts'
import { objectCandidates } from './object-candidates.ts'
import { RegexPool } from './regex.ts'
import { inPlace } from './evaluated-names.ts'
import type { SchemaNode } from './schema-node.ts'
import type { Ids } from './schema-document.ts'
import { stringCandidates } from './string-candidates.ts'
import { SyntheticSchemas } from './synthetic.ts'
import type { Candidates, Theory, Verdict } from './theory.ts'
import type { AcceptsPolicy } from './types.ts'
import { ARRAY, BOOLEAN, canonical, FRACTION, INTEGER, NULL, OBJECT, STRING, TYPES, typeOfValue } from './value.ts'

const NONE: Verdict = { kind: 'none' }

/** Thrown when the budget is spent; `within` turns it into an unknown. */
class Exhausted extends Error {}

/** Deeper questions than this come from schemas that grow on the way down. */
const DEEPEST = 120

export class Search implements Theory {
  readonly policy: AcceptsPolicy
  readonly equivalence = new Equivalence()
  readonly made: SyntheticSchemas
  readonly pool = new RegexPool()
  readonly #known = new Map<string, Verdict>()
  /** questions in progress, and how deep */
  readonly #open = new Map<string, number>()
  /** answered "none" on the assumption that questions in progress are */
  #provisional: string[] = []
  /** on which question in progress each of those relies */
  readonly #reliance = new Map<string, number>()
  /** the outermost question in progress that answers since then rely on */
  #relies = Number.POSITIVE_INFINITY
  #left = 0

  constructor(policy: AcceptsPolicy, ids: Ids) {
    this.policy = policy
    this.made = new SyntheticSchemas(ids)
  }

  /** Runs a search of its own, with so many steps. */
  within(steps: number, literals: readonly Literal[]): Verdict {
    this.#left = steps
    try {
      return this.solve(literals)
    } catch (error) {
      // Chains of thousands of schemas are too deep for the stack; that is no answer either.
      if (!(error instanceof Exhausted || error instanceof RangeError)) throw error
      this.#open.clear()
      this.#forget(0)
      this.equivalence.reset()
      const tooDeep = 'the schemas are nested too deeply'
      return {
        kind: 'unknown',
        reason: error instanceof Exhausted ? `no answer after ${steps} steps of search` : tooDeep,
      }
    } finally {
      this.#relies = Number.POSITIVE_INFINITY
    }
  }

  /** The same, telling how many steps it took. */
  measured(steps: number, literals: readonly Literal[]): { readonly verdict: Verdict; readonly steps: number } {
    const verdict = this.within(steps, literals)
    return { verdict, steps: Math.max(1, steps - this.#left) }
  }

  solve(literals: readonly Literal[]): Verdict {
    const wanted = this.#normal(literals)
    if (wanted === undefined) return NONE
    const key = wanted
      .map(literalKey)
      .toSorted((left, right) => left - right)
      .join()
    const known = this.#known.get(key)
    if (known !== undefined) {
      this.#relies = Math.min(this.#relies, this.#reliance.get(key) ?? Number.POSITIVE_INFINITY)
      return known
    }
    const open = this.#open.get(key)
    if (open !== undefined) {
      this.#relies = Math.min(this.#relies, open)
      return NONE
    }
    if (this.#open.size > DEEPEST) return { kind: 'unknown', reason: 'the schemas are nested too deeply' }
    return this.#remember(key, () => this.#types(wanted))
  }

  #remember(key: string, solve: () => Verdict): Verdict {
    const depth = this.#open.size
    const mark = this.#provisional.length
    const outer = this.#relies
    this.#relies = Number.POSITIVE_INFINITY
    this.#open.set(key, depth)
    const verdict = solve()
    this.#open.delete(key)
    const relies = this.#relies
    this.#relies = Math.min(outer, relies < depth ? relies : Number.POSITIVE_INFINITY)
    if (verdict.kind !== 'none') {
      // What was answered "none" because this was in progress may not be.
      this.#forget(mark)
    } else if (relies < depth) {
      this.#provisional.push(key)
      for (const each of this.#provisional.slice(mark)) this.#reliance.set(each, relies)
    } else {
      for (const each of this.#provisional.splice(mark)) this.#reliance.delete(each)
    }
    this.#known.set(key, verdict)
    return verdict
  }

  #forget(mark: number): void {
    for (const key of this.#provisional.splice(mark)) {
      this.#known.delete(key)
      this.#reliance.delete(key)
    }
  }

  /** Without what says nothing, each once; undefined where two contradict each other. */
  #normal(literals: readonly Literal[]): readonly Literal[] | undefined {
    const byKey = new Map<number, Literal>()
    for (const literal of literals) {
      if (isNode(literal.of) && literal.of.schema === literal.negated) return undefined
      // A writer that says nothing still is a writer: what it does not name is open.
      const says = !isNode(literal.of) || literal.of.parts.length > 0
      if (says) byKey.set(literalKey(literal), literal)
      else if (literal.negated) return undefined
    }
    const result = [...byKey.values()]
    for (const { negated, of } of result) {
      if (!negated) continue
      for (const other of result) {
        if (other.negated) continue
        if (other.of === of) return undefined
        if (isNode(of) && isNode(other.of) && this.equivalence.nodes(of, other.of)) return undefined
      }
    }
    return result
  }

  #types(literals: readonly Literal[]): Verdict {
    let unknown: Verdict | undefined
    for (const type of TYPES) {
      const branch = new Branch(type, this.equivalence, this.made)
      if (!literals.every((literal) => branch.add(literal))) continue
      const verdict = this.#branch(branch, literals)
      if (verdict.kind === 'found') return verdict
      if (verdict.kind === 'unknown') unknown ??= verdict
    }
    return unknown ?? NONE
  }

  #branch(branch: Branch, literals: readonly Literal[]): Verdict {
    if (--this.#left < 0) throw new Exhausted()
    if (!branch.simplify()) return NONE
    const { values, proven, reason } = this.#candidates(branch, literals)
    if (values.length === 0 && proven) return NONE
    // What an object may have is known when it is known which of the writer's alternatives it is.
    const unchosen = this.policy === 'tolerant' && branch.type === OBJECT ? branch.writerClause() : undefined
    for (const value of unchosen === undefined || branch.allowed.length > 0 ? values : []) {
      if (literals.every((literal) => literalHolds(literal, value))) return { kind: 'found', value }
    }
    const clause = this.#violated(branch, values) ?? unchosen ?? undecided(branch)
    const opaque = branch.opaque ?? reason ?? 'no instance was found, and no proof that there is none'
    if (clause === undefined) return { kind: 'unknown', reason: opaque }
    let unknown: Verdict | undefined
    for (const option of clause) {
      const next = branch.copy()
      next.clauses = next.clauses.filter((each) => each !== clause)
      if (!option.every((literal) => next.add(literal))) continue
      const verdict = this.#branch(next, literals)
      if (verdict.kind === 'found') return verdict
      if (verdict.kind === 'unknown') unknown ??= verdict
    }
    return unknown ?? NONE
  }

  /** The clause to split: one that the candidates violate, with the fewest options. */
  #violated(branch: Branch, values: readonly unknown[]): readonly Option[] | undefined {
    const holds = (clause: readonly Option[], value: unknown): boolean =>
      clause.some((option) => option.every((literal) => literalHolds(literal, value)))
    const violated = branch.clauses.filter((clause) => values.some((value) => !holds(clause, value)))
    // Without candidates each clause may be what makes it clear that there are none.
    const from = values.length === 0 ? branch.clauses : violated
    return from.toSorted((left, right) => left.length - right.length)[0]
  }

  #candidates(branch: Branch, literals: readonly Literal[]): Candidates {
    const [first, ...others] = branch.allowed
    if (first !== undefined) return this.#listed(branch, first, others, literals)
    switch (branch.type) {
      case NULL:
        return this.#listed(branch, [null], [], literals)
      case BOOLEAN:
        return this.#listed(branch, [true, false], [], literals)
      case INTEGER:
      case FRACTION:
        return numberCandidates(branch)
      case STRING:
        return stringCandidates(branch, this.pool)
      case ARRAY:
        return arrayCandidates(branch, this)
      case OBJECT:
        return objectCandidates(branch, this, literals)
      default:
        return { values: [], proven: true }
    }
  }

  /** Where the values are listed each can be tried. */
  #listed(
    branch: Branch,
    first: readonly unknown[],
    others: readonly (readonly unknown[])[],
    literals: readonly Literal[],
  ): Candidates {
    const lists = others.map((values) => new Set(values.map(canonical)))
    const values = first.filter((value) => typeOfValue(value) === branch.type)
    const common = values.filter((value) => lists.every((list) => list.has(canonical(value))))
    const good = common.filter((value) => literals.every((literal) => literalHolds(literal, value)))
    // An unreadable reference counts as holding; where that decides, nothing is decided.
    return { values: good, proven: branch.opaque === undefined || common.length === 0 }
  }
}

/**
 * What `unevaluatedProperties` and `unevaluatedItems` are about depends on which alternatives hold. Where that is still
 * open, both ways are looked at.
 */
function undecided(branch: Branch): readonly Option[] | undefined {
  for (const { part } of branch.facts) {
    if (part.kind !== 'unevaluatedProperties' && part.kind !== 'unevaluatedItems') continue
    const open = openAlternative(part.owner, branch)
    if (open !== undefined) return [[no(open)], [yes(open)]]
  }
  return branch.clauses[0]
}

function openAlternative(owner: SchemaNode, branch: Branch): SchemaNode | undefined {
  for (const part of inPlace(owner, (node) => branch.sign(node) !== false)) {
    const nodes =
      part.kind === 'any' || part.kind === 'one'
        ? part.nodes
        : part.kind === 'if'
          ? [part.condition, part.whenTrue, part.whenFalse]
          : part.kind === 'dependentSchema'
            ? [part.node]
            : []
    const open = nodes.find((node) => node !== undefined && branch.sign(node) === undefined)
    if (open !== undefined) return open
  }
  return undefined
}
