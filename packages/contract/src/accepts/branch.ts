/**
 * What is known of an instance of one type on one way through the alternatives: facts that all hold, and clauses of
 * which one option each must hold. Facts may be weaker than the schemas, never stronger: where they contradict each
 * other there is no instance; what satisfies them is only a candidate.
 */
import { type Equivalence, signature } from './equivalence.ts'
import { isNode, type Literal, no, yes } from './literal.ts'
import type { Part } from './part.ts'
import type { SchemaNode } from './schema-node.ts'
import type { SyntheticSchemas } from './synthetic.ts'

export interface Fact {
  readonly negated: boolean
  readonly part: Part
}

/** Literals that hold together, each a way to satisfy a clause. */
export type Option = readonly Literal[]

/** `oneOf` fails where two alternatives hold; beyond this many it is enough to know one of the pairs may. */
const MOST_PAIRS = 400

export class Branch {
  readonly type: number
  readonly #equivalence: Equivalence
  readonly #made: SyntheticSchemas
  readonly #seen: Map<number, boolean>
  readonly #bySignature: Map<string, Fact[]>
  /** facts about instances of this type */
  readonly facts: Fact[]
  clauses: (readonly Option[])[]
  /** sets of values of which it is one */
  readonly allowed: (readonly unknown[])[]
  /** schemas of the writer that apply here: what they name is declared */
  readonly writers: SchemaNode[]
  /** why something cannot be seen here */
  opaque: string | undefined

  constructor(type: number, equivalence: Equivalence, made: SyntheticSchemas, from?: Branch) {
    this.type = type
    this.#equivalence = equivalence
    this.#made = made
    this.#seen = new Map(from === undefined ? [] : from.#seen)
    this.#bySignature = new Map(from === undefined ? [] : from.#bySignature)
    this.facts = [...(from?.facts ?? [])]
    this.clauses = [...(from?.clauses ?? [])]
    this.allowed = [...(from?.allowed ?? [])]
    this.writers = [...(from?.writers ?? [])]
    this.opaque = from?.opaque
  }

  copy(): Branch {
    return new Branch(this.type, this.#equivalence, this.#made, this)
  }

  /** Whether a schema is known to hold (true) or to fail (false) here. */
  sign(node: SchemaNode): boolean | undefined {
    const negated = this.#seen.get(node.id)
    return negated === undefined ? undefined : !negated
  }

  /** Adds what must be so; false where it contradicts what is known. */
  add({ negated, of }: Literal): boolean {
    const seen = this.#seen.get(of.id)
    if (seen !== undefined) return seen === negated
    this.#seen.set(of.id, negated)
    if (!isNode(of)) return negated ? this.#addFailing(of) : this.#addHolding(of)
    if (negated) return this.#addFailingNode(of)
    if (of.side === 'writer') this.writers.push(of)
    return of.parts.every((part) => this.add(yes(part)))
  }

  #addFailingNode(node: SchemaNode): boolean {
    const failing = node.parts.filter((part) => (part.types & this.type) !== 0)
    if (failing.some(({ kind }) => kind === 'never')) return true
    if (failing.length === 1 && failing[0] !== undefined) return this.add(no(failing[0]))
    return this.#clause(failing.map((part) => [no(part)]))
  }

  #clause(options: readonly Option[]): boolean {
    if (options.some((option) => option.length === 0)) return true
    const [only] = options
    if (only === undefined) return false
    if (options.length === 1) return only.every((literal) => this.add(literal))
    this.clauses.push(options)
    return true
  }

  /** The same part of the other schema, with the opposite sign, is a contradiction. */
  #fact(part: Part, negated: boolean): boolean {
    const key = signature(part)
    const known = this.#bySignature.get(key) ?? []
    if (known.some((fact) => fact.negated !== negated && this.#equivalence.parts(fact.part, part))) return false
    this.#bySignature.set(key, [...known, { negated, part }])
    return true
  }

  #addHolding(part: Part): boolean {
    if (part.kind === 'type') return (part.mask & this.type) !== 0
    if ((part.types & this.type) === 0) return true
    if (!this.#fact(part, false)) return false
    switch (part.kind) {
      case 'never':
        return false
      case 'opaque':
        this.opaque = part.reason
        return true
      case 'enum':
        this.allowed.push(part.values)
        return true
      case 'all':
        return this.add(yes(part.node))
      case 'not':
        return this.add(no(part.node))
      case 'any':
        return this.#clause(part.nodes.map((node) => [yes(node)]))
      case 'one':
        return this.#clause(
          part.nodes.map((node) => [yes(node), ...part.nodes.filter((other) => other !== node).map(no)]),
        )
      case 'if': {
        const { condition, whenTrue, whenFalse } = part
        return this.#clause([
          whenTrue === undefined ? [yes(condition)] : [yes(condition), yes(whenTrue)],
          whenFalse === undefined ? [no(condition)] : [no(condition), yes(whenFalse)],
        ])
      }
      case 'dependentRequired':
        return this.#clause([
          [no(this.#made.required(part.name))],
          part.needs.map((name) => yes(this.#made.required(name))),
        ])
      case 'dependentSchema':
        return this.#clause([[no(this.#made.required(part.name))], [yes(part.node)]])
      default:
        this.facts.push({ negated: false, part })
        return true
    }
  }

  #addFailing(part: Part): boolean {
    if (part.kind === 'type') return (part.mask & this.type) === 0
    if ((part.types & this.type) === 0) return false
    if (!this.#fact(part, true)) return false
    switch (part.kind) {
      case 'never':
        return true
      case 'opaque':
        this.opaque = part.reason
        return true
      case 'all':
        return this.add(no(part.node))
      case 'not':
        return this.add(yes(part.node))
      case 'any':
        return part.nodes.every((node) => this.add(no(node)))
      case 'one':
        return this.#clause([part.nodes.map(no), ...pairs(part.nodes).map((pair) => pair.map(yes))])
      case 'if': {
        const { condition, whenTrue, whenFalse } = part
        return this.#clause([
          ...(whenTrue === undefined ? [] : [[yes(condition), no(whenTrue)]]),
          ...(whenFalse === undefined ? [] : [[no(condition), no(whenFalse)]]),
        ])
      }
      case 'dependentRequired':
        return (
          this.add(yes(this.#made.required(part.name))) &&
          this.#clause(part.needs.map((name) => [no(this.#made.required(name))]))
        )
      case 'dependentSchema':
        return this.add(yes(this.#made.required(part.name))) && this.add(no(part.node))
      default:
        this.facts.push({ negated: true, part })
        return true
    }
  }

  /** Drops options that cannot hold and clauses that do; false where a clause has no option left. */
  simplify(): boolean {
    for (let changed = true; changed;) {
      changed = false
      const clauses = this.clauses
      this.clauses = []
      for (const clause of clauses) {
        const open = clause.filter((option) => !option.some((literal) => this.#decided(literal) === false))
        if (open.some((option) => option.every((literal) => this.#decided(literal) === true))) continue
        if (open.length < 2) changed = true
        if (!this.#clause(open)) return false
      }
    }
    return true
  }

  /** A clause about which schemas of the writer apply here. */
  writerClause(): readonly Option[] | undefined {
    return this.clauses.find((clause) => clause.some((option) => option.some(isWriters)))
  }

  /** Schemas of the writer that may yet turn out to apply here. */
  possibleWriters(): SchemaNode[] {
    return this.clauses.flat(2).flatMap((literal) => (isWriters(literal) && isNode(literal.of) ? [literal.of] : []))
  }

  #decided({ negated, of }: Literal): boolean | undefined {
    const seen = this.#seen.get(of.id)
    if (seen !== undefined) return seen === negated
    if (!isNode(of)) {
      if (of.kind === 'type') return ((of.mask & this.type) !== 0) !== negated
      return (of.types & this.type) === 0 ? !negated : undefined
    }
    const off = of.parts.some(({ kind, ...part }) => kind === 'type' && (this.type & part.types) !== 0)
    return off ? negated : undefined
  }
}

function isWriters({ negated, of }: Literal): boolean {
  return !negated && isNode(of) && of.side === 'writer'
}

/** How many values are excluded one by one: a theory that cannot exclude them proposes as many others. */
export function excludesValues({ facts }: Branch): number {
  return facts.reduce(
    (count, { part, negated }) => (part.kind === 'enum' && negated ? count + part.values.length : count),
    0,
  )
}

function pairs(nodes: readonly SchemaNode[]): SchemaNode[][] {
  const result: SchemaNode[][] = []
  for (const [index, left] of nodes.entries()) {
    for (const right of nodes.slice(index + 1)) {
      if (result.length < MOST_PAIRS) result.push([left, right])
    }
  }
  return result
}
