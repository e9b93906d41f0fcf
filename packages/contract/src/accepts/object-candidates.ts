/** Objects: which members have to be there, what they are, and which names are left for others. */
import { type Branch, excludesValues } from './branch.ts'
import { type Declared, declaredBy } from './declared.ts'
import { holds } from './evaluate.ts'
import { type Literal, literalHolds, no, yes } from './literal.ts'
import { type Demand, memberLiterals, type ObjectFacts, objectFacts } from './object-facts.ts'
import { type Candidates, IMPOSSIBLE, type Theory } from './theory.ts'
import { recordOf } from './value.ts'

interface Task {
  readonly facts: ObjectFacts
  readonly theory: Theory
  readonly declared: Declared | undefined
  /** so many objects may be excluded by value: the same number of others is to be found */
  readonly variants: number
}

/** With more patterns than this not every combination of them is tried. */
const MOST_PATTERNS = 4
const STRANGERS = ['other', 'another', 'third', 'x', 'y', 'z']

export function objectCandidates(branch: Branch, theory: Theory, literals: readonly Literal[]): Candidates {
  const facts = objectFacts(branch)
  if (facts === undefined) return IMPOSSIBLE
  const declared =
    theory.policy === 'tolerant' ? declaredBy(branch.writers, branch.possibleWriters(), literals) : undefined
  for (const name of declared?.readerNames ?? []) facts.known.add(name)
  return assign({ facts, theory, declared, variants: excludesValues(branch) }, facts.demands, new Map())
}

type Assigned = ReadonlyMap<string, readonly Literal[]>

function mayBe({ facts, declared }: Task, name: string): boolean {
  if (facts.forbidden.has(name) || declared?.allows(name) === false) return false
  return facts.names.every((node) => holds(node, name))
}

/** Finds a name for each demand. */
function assign(task: Task, demands: readonly Demand[], assigned: Assigned): Candidates {
  const [demand, ...others] = demands
  if (demand === undefined) return build(task, assigned)
  const { facts, theory } = task
  let unknown: Candidates | undefined
  const attempt = (name: string): Candidates => {
    const literals = [...(assigned.get(name) ?? []), ...demand.literals]
    const verdict = theory.solve([...memberLiterals(facts, name), ...literals])
    if (verdict.kind === 'none') return IMPOSSIBLE
    if (verdict.kind === 'unknown') return { values: [], proven: false, reason: verdict.reason }
    return assign(task, others, new Map([...assigned, [name, literals]]))
  }
  const strangers = demand.name === undefined ? strangersFor(task, demand, new Set(assigned.keys())) : undefined
  const familiar = demand.name === undefined ? [...facts.known, ...assigned.keys()] : [demand.name]
  for (const name of new Set([...familiar, ...(strangers?.names ?? [])])) {
    if (!demand.concerns(name) || !mayBe(task, name)) continue
    if (!demand.nameLiterals.every((literal) => literalHolds(literal, name))) continue
    const found = attempt(name)
    if (found.values.length > 0) return found
    if (!found.proven) unknown ??= found
  }
  if (strangers?.complete === false) unknown ??= { values: [], proven: false, reason: strangers.reason }
  return unknown ?? IMPOSSIBLE
}

interface Strangers {
  readonly names: readonly string[]
  /** names of every kind that there is are among them */
  readonly complete: boolean
  readonly reason: string
}

/** A name of each kind that the patterns tell apart, other than those known by name. */
function strangersFor(
  { facts, theory }: Task,
  { nameLiterals }: Pick<Demand, 'nameLiterals'>,
  used: ReadonlySet<string>,
): Strangers {
  const reason = 'there are member names of kinds that could not be tried'
  const taken = [...facts.known, ...used]
  if (facts.patterns.size === 0 && facts.names.length === 0 && nameLiterals.length === 0) {
    return { names: [freshName(new Set(taken))], complete: true, reason }
  }
  const patterns = [...facts.patterns]
  const kinds = patterns.length > MOST_PATTERNS ? someKinds(patterns) : everyKind(patterns)
  const names: string[] = []
  let complete = patterns.length <= MOST_PATTERNS
  for (const matching of kinds) {
    const signs = patterns.map((pattern) => (matching.has(pattern) ? yes : no)(theory.made.pattern(pattern)))
    const text = yes(theory.made.make({ type: 'string' }))
    const others = taken.length === 0 ? [] : [no(theory.made.oneOf(taken))]
    const verdict = theory.solve([text, ...facts.names.map(yes), ...nameLiterals, ...signs, ...others])
    if (verdict.kind === 'found') names.push(String(verdict.value))
    if (verdict.kind === 'unknown') complete = false
  }
  return { names, complete, reason }
}

function freshName(taken: ReadonlySet<string>): string {
  const found = STRANGERS.find((name) => !taken.has(name))
  if (found !== undefined) return found
  for (let number = 1; ; number++) if (!taken.has(`other${number}`)) return `other${number}`
}

function everyKind(patterns: readonly string[]): ReadonlySet<string>[] {
  const kinds: Set<string>[] = []
  for (let bits = 0; bits < 2 ** patterns.length; bits++) {
    kinds.push(new Set(patterns.filter((_, index) => (bits & (1 << index)) !== 0)))
  }
  return kinds
}

function someKinds(patterns: readonly string[]): ReadonlySet<string>[] {
  return [new Set<string>(), ...patterns.map((pattern) => new Set([pattern]))]
}

/** The values of the members that have to be there, and further members until there are enough. */
function build(task: Task, assigned: Assigned): Candidates {
  const { facts, theory } = task
  const members = new Map<string, unknown>()
  const needed = new Set([...facts.required, ...assigned.keys()])
  if (needed.size > facts.max) return IMPOSSIBLE
  for (const name of needed) {
    if (!mayBe(task, name)) return IMPOSSIBLE
    const verdict = theory.solve([...memberLiterals(facts, name), ...(assigned.get(name) ?? [])])
    if (verdict.kind === 'none') return IMPOSSIBLE
    if (verdict.kind === 'unknown') return { values: [], proven: false, reason: verdict.reason }
    members.set(name, verdict.value)
  }
  const reason = 'no object was found that meets all of it'
  let complete = true
  const offer = (name: string): void => {
    if (members.size >= facts.min || members.has(name) || !mayBe(task, name)) return
    const verdict = theory.solve(memberLiterals(facts, name))
    if (verdict.kind === 'found') members.set(name, verdict.value)
    if (verdict.kind === 'unknown') complete = false
  }
  for (const name of facts.known) offer(name)
  while (members.size < facts.min) {
    const before = members.size
    const strangers = strangersFor(task, { nameLiterals: [] }, new Set(members.keys()))
    complete &&= strangers.complete
    for (const name of strangers.names) offer(name)
    if (members.size > before) continue
    return complete ? IMPOSSIBLE : { values: [], proven: false, reason }
  }
  return { values: [recordOf(members), ...variantsOf(task, members, assigned)], proven: false, reason }
}

/** Other objects, with one more member or with another value of one. */
function variantsOf(task: Task, members: ReadonlyMap<string, unknown>, assigned: Assigned): Record<string, unknown>[] {
  const { facts, theory, variants } = task
  const result: Record<string, unknown>[] = []
  const names = variants === 0 ? [] : [...facts.known, ...strangersFor(task, { nameLiterals: [] }, facts.known).names]
  for (const name of new Set([...members.keys(), ...names])) {
    if (result.length >= variants || !mayBe(task, name)) continue
    const others = members.has(name) ? [no(theory.made.oneOf([members.get(name)]))] : []
    if (!members.has(name) && members.size >= facts.max) continue
    const verdict = theory.solve([...memberLiterals(facts, name), ...(assigned.get(name) ?? []), ...others])
    if (verdict.kind === 'found') result.push(recordOf([...members, [name, verdict.value]]))
  }
  return result
}
