/** Arrays: how long, which items are to be special, and what the others are filled with. */
import { type Branch, excludesValues, type Fact } from './branch.ts'
import { inPlace } from './evaluated-names.ts'
import { type Literal, no, yes } from './literal.ts'
import type { Part, PartOf } from './part.ts'
import type { SchemaNode } from './schema-node.ts'
import { type Candidates, IMPOSSIBLE, type Theory } from './theory.ts'
import { canonical } from './value.ts'

/** An item that has to exist: somewhere from `from` to `to`, with these literals. */
interface Demand {
  readonly from: number
  readonly to: number
  readonly literals: readonly Literal[]
}

interface Facts {
  min: number
  max: number
  unique: boolean
  /** two items are equal */
  repeated: boolean
  readonly rules: { readonly from: number; readonly to: number; readonly literal: Literal }[]
  readonly demands: Demand[]
  /** at most so many items of a kind: the others have to fail it */
  readonly limits: { readonly node: SchemaNode; readonly most: number }[]
  /** ways to fail `contains`, one of which each is to be chosen */
  readonly choices: PartOf<'contains'>[]
  /** so many arrays may be excluded by value: the same number of others is to be found */
  readonly variants: number
}

const ENDLESS = Number.POSITIVE_INFINITY
/** Longer arrays are not built. */
const LONGEST = 5000

export function arrayCandidates(branch: Branch, theory: Theory): Candidates {
  const facts: Facts = {
    min: 0,
    max: ENDLESS,
    unique: false,
    repeated: false,
    rules: [],
    demands: [],
    limits: [],
    choices: [],
    variants: excludesValues(branch),
  }
  for (const fact of branch.facts) if (!read(fact, facts, branch)) return IMPOSSIBLE
  if (facts.repeated) facts.min = Math.max(facts.min, 2)
  if (facts.min > facts.max || (facts.unique && facts.repeated)) return IMPOSSIBLE
  return chooseLimits(facts, facts.choices, theory)
}

function read({ part, negated }: Fact, facts: Facts, branch: Branch): boolean {
  const count = (lower: boolean, limit: number): void => {
    if (lower) facts.min = Math.max(facts.min, Math.ceil(limit))
    else facts.max = Math.min(facts.max, Math.floor(limit))
  }
  const place = (from: number, to: number, node: SchemaNode): void => {
    if (negated) facts.demands.push({ from, to, literals: [no(node)] })
    else facts.rules.push({ from, to, literal: yes(node) })
  }
  switch (part.kind) {
    case 'minItems':
      count(!negated, negated ? part.count - 1 : part.count)
      return true
    case 'maxItems':
      count(negated, negated ? part.count + 1 : part.count)
      return true
    case 'uniqueItems':
      if (negated) facts.repeated = true
      else facts.unique = true
      return true
    case 'prefixItem':
      place(part.index, part.index, part.node)
      return true
    case 'items':
      place(part.from, ENDLESS, part.node)
      return true
    case 'unevaluatedItems': {
      const from = negated ? surelyEvaluated(part.owner, branch) : possiblyEvaluated(part.owner, branch)
      if (from < ENDLESS) place(from, ENDLESS, part.node)
      return from < ENDLESS || !negated
    }
    case 'contains':
      if (negated) facts.choices.push(part)
      else {
        if (part.min > part.max) return false
        const demand = { from: 0, to: ENDLESS, literals: [yes(part.node)] }
        for (let index = 0; index < Math.min(part.min, LONGEST); index++) facts.demands.push(demand)
        if (part.max < ENDLESS) facts.limits.push({ node: part.node, most: part.max })
      }
      return true
    default:
      return true
  }
}

/** `contains` fails with too few items of its kind, or with too many. */
function chooseLimits(facts: Facts, choices: readonly PartOf<'contains'>[], theory: Theory): Candidates {
  const [choice, ...others] = choices
  if (choice === undefined) return place(facts, theory)
  const ways: Facts[] = []
  if (choice.min > 0) {
    ways.push({ ...facts, limits: [...facts.limits, { node: choice.node, most: choice.min - 1 }] })
  }
  if (choice.max < ENDLESS) {
    const demand = { from: 0, to: ENDLESS, literals: [yes(choice.node)] }
    const more = Array.from({ length: Math.min(choice.max + 1, LONGEST) }, () => demand)
    ways.push({ ...facts, demands: [...facts.demands, ...more] })
  }
  return firstOf(ways, (way) => chooseLimits(way, others, theory))
}

function firstOf<T>(ways: Iterable<T>, look: (way: T) => Candidates): Candidates {
  let unknown: Candidates | undefined
  for (const way of ways) {
    const found = look(way)
    if (found.values.length > 0) return found
    if (!found.proven) unknown ??= found
  }
  return unknown ?? IMPOSSIBLE
}

/** Finds an index for each demand. Behind the last index that any rule names, all are alike. */
function place(facts: Facts, theory: Theory): Candidates {
  const edges = [...facts.rules, ...facts.demands].flatMap(({ from, to }) => [from, to + 1]).filter(Number.isFinite)
  const alike = Math.max(0, ...edges)
  const pairs = facts.repeated ? equalPairs(alike, facts) : [undefined]
  return firstOf(pairs, (pair) => assign(facts, theory, alike, facts.demands, new Map(), pair))
}

function* equalPairs(alike: number, facts: Facts): Generator<readonly [number, number]> {
  const last = Math.min(alike + 1, facts.max - 1)
  for (let second = 1; second <= last; second++) for (let first = 0; first < second; first++) yield [first, second]
}

type Assigned = ReadonlyMap<number, readonly Literal[]>

function assign(
  facts: Facts,
  theory: Theory,
  alike: number,
  demands: readonly Demand[],
  assigned: Assigned,
  pair: readonly [number, number] | undefined,
): Candidates {
  const [demand, ...others] = demands
  if (demand === undefined) return build(facts, theory, alike, assigned, pair)
  const last = Math.min(demand.to, facts.max - 1, Math.max(alike, demand.from) + assigned.size)
  const indices = Array.from({ length: Math.max(0, last - demand.from + 1) }, (_, offset) => demand.from + offset)
  // Items that are alike: of those not yet special the first is as good as any.
  const fresh = indices.find((index) => index >= alike && !assigned.has(index))
  const worth = indices.filter((index) => index < alike || assigned.has(index) || index === fresh)
  return firstOf(worth, (index) => {
    // Each `contains` counts items, so equal demands need an item each.
    const here = assigned.get(index) ?? []
    if (demand.literals.some((literal) => !literal.negated && here.includes(literal))) return IMPOSSIBLE
    const literals = [...here, ...demand.literals]
    const verdict = theory.solve([...rulesAt(facts, index), ...literals])
    if (verdict.kind === 'none') return IMPOSSIBLE
    if (verdict.kind === 'unknown') return { values: [], proven: false, reason: verdict.reason }
    return assign(facts, theory, alike, others, new Map([...assigned, [index, literals]]), pair)
  })
}

function rulesAt(facts: Facts, index: number): Literal[] {
  return facts.rules.filter(({ from, to }) => from <= index && index <= to).map(({ literal }) => literal)
}

function build(
  facts: Facts,
  theory: Theory,
  alike: number,
  assigned: Assigned,
  pair: readonly [number, number] | undefined,
): Candidates {
  const needed = Math.max(facts.min, ...[...assigned.keys(), ...(pair ?? [])].map((index) => index + 1))
  if (needed > facts.max) return IMPOSSIBLE
  if (needed > LONGEST) return { values: [], proven: false, reason: `arrays of ${needed} items are not built` }
  const indices = Array.from({ length: needed }, (_, index) => index)
  const first = fillAll(facts, theory, alike, assigned, pair, indices)
  if (!facts.unique || first.values.length > 0 || first.proven) return first
  // Items that may be many things must not take what others cannot do without.
  const special = (index: number): number => (assigned.has(index) ? 0 : index < alike ? 1 : 2)
  const byNeed = indices.toSorted((left, right) => special(left) - special(right) || right - left)
  return fillAll(facts, theory, alike, assigned, pair, byNeed)
}

function fillAll(
  facts: Facts,
  theory: Theory,
  alike: number,
  assigned: Assigned,
  pair: readonly [number, number] | undefined,
  order: readonly number[],
): Candidates {
  const filled = new Map<number, unknown>()
  for (const index of order) {
    if (pair?.[1] === index) continue
    const rules = rulesAt(facts, index)
    const own = assigned.get(index) ?? []
    const twin = pair?.[0] === index ? [...rulesAt(facts, pair[1]), ...(assigned.get(pair[1]) ?? [])] : []
    const different = facts.unique && filled.size > 0 ? [no(theory.made.oneOf([...filled.values()]))] : []
    const verdict = fill(facts, theory, [...rules, ...own, ...twin, ...different], own.length + twin.length > 0)
    // Which of the others were taken before may be why this one cannot be unique.
    const certain = different.length === 0 || theory.solve([...rules, ...own, ...twin]).kind === 'none'
    if (verdict.kind === 'none' && certain) return IMPOSSIBLE
    if (verdict.kind === 'none') return exhausted(facts, theory, order.length, alike, [...filled.values()])
    if (verdict.kind === 'unknown') return { values: [], proven: false, reason: verdict.reason }
    filled.set(index, verdict.value)
  }
  if (pair !== undefined) filled.set(pair[1], filled.get(pair[0]))
  const items = order.map((_, index) => filled.get(index))
  const reason = 'no array was found that has enough, and not too many, of each'
  return { values: [items, ...variantsOf(facts, theory, items, assigned)], proven: false, reason }
}

/** Other arrays, with one more item or with another value of one. */
function variantsOf(facts: Facts, theory: Theory, items: readonly unknown[], assigned: Assigned): unknown[][] {
  const result: unknown[][] = []
  for (let index = items.length; index >= 0 && result.length < facts.variants; index--) {
    if (index === items.length && index >= facts.max) continue
    const taken = [...(facts.unique ? items : items.slice(index, index + 1))]
    const others = taken.length === 0 ? [] : [no(theory.made.oneOf(taken))]
    const verdict = theory.solve([...rulesAt(facts, index), ...(assigned.get(index) ?? []), ...others])
    if (verdict.kind !== 'found') continue
    result.push(index === items.length ? [...items, verdict.value] : items.with(index, verdict.value))
  }
  return result
}

/** An item like the others; where items of a kind are limited, preferably none of that kind. */
function fill(
  facts: Facts,
  theory: Theory,
  literals: readonly Literal[],
  special: boolean,
): ReturnType<Theory['solve']> {
  const avoid = facts.limits.map(({ node }) => no(node))
  if (avoid.length > 0 && !special) {
    const without = theory.solve([...literals, ...avoid])
    if (without.kind === 'found') return without
    // With none allowed at all there is no other way.
    if (facts.limits.every(({ most }) => most === 0)) return without
  }
  const none = facts.limits.filter(({ most }) => most === 0).map(({ node }) => no(node))
  return theory.solve([...literals, ...none])
}

/** No further item differs from those taken. All alike, the values themselves have run out. */
function exhausted(facts: Facts, theory: Theory, needed: number, alike: number, items: readonly unknown[]): Candidates {
  const rules = rulesAt(facts, 0)
  const plain = alike <= 1 && facts.demands.length === 0 && facts.limits.length === 0
  const ranOut = plain && theory.solve([...rules, no(theory.made.oneOf(items))]).kind === 'none'
  if (ranOut && new Set(items.map(canonical)).size < needed && alike === 0) return IMPOSSIBLE
  return { values: [], proven: false, reason: 'no array of different items was found' }
}

/** The index behind which items may be unevaluated, if all alternatives are counted that have not failed. */
function possiblyEvaluated(node: SchemaNode, branch: Branch): number {
  const parts = [...inPlace(node, (inner) => branch.sign(inner) !== false)]
  // Which items `contains` evaluates depends on the items.
  return parts.some(({ kind }) => kind === 'contains') ? ENDLESS : evaluatedItems(node, parts)
}

/** The same, counting only what is known to hold. */
function surelyEvaluated(node: SchemaNode, branch: Branch): number {
  return evaluatedItems(node, [...inPlace(node, (inner) => branch.sign(inner) === true)])
}

function evaluatedItems(root: SchemaNode, parts: readonly Part[]): number {
  const ends = parts.map((part) => {
    if (part.kind === 'prefixItem') return part.index + 1
    return part.kind === 'items' || (part.kind === 'unevaluatedItems' && part.owner !== root) ? ENDLESS : 0
  })
  return Math.max(0, ...ends)
}
