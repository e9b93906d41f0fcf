/**
 * Finds every place where a reader rejects what a writer may send: part by part of the reader, beside what the writer
 * says at the same place. Each place gets a witness of its own, which is built into instances outward to the root.
 */
import { partHolds } from './evaluate.ts'
import { alternativesOf, casesOf, itemIn, memberIn } from './cases.ts'
import { concerns } from './evaluate.ts'
import { type Literal, literalKey, no, yes } from './literal.ts'
import type { Part, PartOf } from './part.ts'
import { readerPlace, writerPlace, writersIn } from './places.ts'
import type { SchemaNode } from './schema-node.ts'
import type { Search } from './search.ts'
import type { SchemaPlace } from './types.ts'
import type { Verdict } from './theory.ts'
import { ARRAY, isRecord, OBJECT } from './value.ts'

/** A difference as seen from some place inside the schemas. */
export interface LocalDifference {
  readonly path: readonly string[]
  readonly keyword: string
  readonly reader: SchemaPlace
  readonly writer: SchemaPlace
  readonly verdict: Exclude<Verdict, { kind: 'none' }>
}

type Context = readonly Literal[]

/** A member or item to look into: the step to it, what the writer says of it, and how to put a value there. */
interface Inside {
  readonly step: string
  readonly context: Context
  readonly place: (value: unknown) => SchemaNode
}

export class Differences {
  readonly #search: Search
  readonly #known = new Map<string, readonly LocalDifference[]>()
  readonly #open = new Set<string>()
  /** a question in progress was met: what is found now is not the whole */
  #cut = false
  #left = 0

  constructor(search: Search) {
    this.#search = search
  }

  /** All differences of two whole schemas, in the order of the reader's parts; at most `budget` steps are spent. */
  between(reader: SchemaNode, writer: SchemaNode, budget: number): readonly LocalDifference[] {
    this.#left = budget
    this.#open.clear()
    return once(this.#schema(reader, [yes(writer)], writer.pointer))
  }

  #solve(literals: Context): Verdict {
    if (this.#left <= 0) return { kind: 'unknown', reason: 'the search was given up: too many differences' }
    const { verdict, steps } = this.#search.measured(Math.min(this.#left, MOST_STEPS), literals)
    this.#left -= steps
    return verdict
  }

  #schema(reader: SchemaNode, context: Context, near: string): readonly LocalDifference[] {
    const key = `${reader.id}|${context.map(literalKey).join()}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#open.has(key)) {
      this.#cut = true
      return []
    }
    // Further in, the difference is reported where we stopped.
    if (this.#open.size >= DEEPEST) return []
    const outer = this.#cut
    this.#cut = false
    this.#open.add(key)
    const here = writersIn(context)[0]?.pointer ?? near
    const found = once(reader.parts.flatMap((part) => this.#part(part, context, here)))
    this.#open.delete(key)
    if (!this.#cut && this.#left > 0) this.#known.set(key, found)
    this.#cut ||= outer
    return found
  }

  #part(part: Part, context: Context, near: string): readonly LocalDifference[] {
    const verdict = this.#solve([...context, no(part)])
    if (verdict.kind === 'none') return []
    const outer = this.#cut
    this.#cut = false
    const inner = this.#inside(part, context, near, verdict)
    // Nothing but what is being looked at already: it is reported there.
    const again = inner.length === 0 && this.#cut
    this.#cut ||= outer
    if (inner.length > 0 || again) return inner
    const places = { reader: readerPlace(part), writer: writerPlace(part, context, near) }
    return [{ path: [], keyword: part.keyword, ...places, verdict }]
  }

  /** The differences that make up this one, where they can be told apart. */
  #inside(part: Part, context: Context, near: string, verdict: Verdict): readonly LocalDifference[] {
    switch (part.kind) {
      case 'all':
        return this.#schema(part.node, context, near)
      case 'any':
      case 'one':
        return this.#alternatives(part, context, near)
      case 'property':
        return this.#members(part, context, near, [part.name])
      case 'patternProperty':
      case 'additional':
      case 'unevaluatedProperties':
        return part.node.schema === false ? [] : this.#members(part, context, near, this.#names(part, context, verdict))
      case 'prefixItem':
        return this.#items(part, context, near, [part.index])
      case 'items':
        return part.node.schema === false ? [] : this.#items(part, context, near, indicesFrom(part.from, context))
      default:
        return []
    }
  }

  /** Names to look at where a part is about many: those the writer names, and the one that was found to fail. */
  #names(part: PartOf<'patternProperty' | 'additional'> | Part, context: Context, verdict: Verdict): string[] {
    const failing = verdict.kind === 'found' && isRecord(verdict.value) ? Object.keys(verdict.value) : []
    const named = writersIn(context).flatMap(({ parts }) =>
      parts.flatMap((each) => (each.kind === 'property' ? [each.name] : [])),
    )
    const about = (name: string): boolean =>
      part.kind === 'patternProperty' || part.kind === 'additional' ? concerns(part, name) : true
    return [...new Set([...named, ...failing])].filter(about)
  }

  #members(
    part: Part & { readonly node: SchemaNode },
    context: Context,
    near: string,
    names: readonly string[],
  ): LocalDifference[] {
    const cases = casesOf(this.#search, OBJECT, context) ?? []
    const places = names.flatMap((name) =>
      cases.flatMap((branch): Inside[] => {
        const inside = memberIn(this.#search, branch, part, name)
        const step = part.kind === 'property' || isNamed(context, name) ? name : '*'
        return inside === undefined
          ? []
          : [{ step, context: inside, place: (value) => this.#search.made.member(name, value) }]
      }),
    )
    return this.#each(part, context, near, places)
  }

  #items(
    part: Part & { readonly node: SchemaNode },
    context: Context,
    near: string,
    indices: readonly number[],
  ): LocalDifference[] {
    const cases = casesOf(this.#search, ARRAY, context) ?? []
    const places = indices.flatMap((index) =>
      cases.map((branch): Inside => {
        const step = part.kind === 'prefixItem' ? String(index) : '*'
        return { step, context: itemIn(branch, index), place: (value) => this.#search.made.item(index, value) }
      }),
    )
    return this.#each(part, context, near, places)
  }

  #each(
    part: Part & { readonly node: SchemaNode },
    context: Context,
    near: string,
    places: readonly Inside[],
  ): LocalDifference[] {
    const looked = new Set<string>()
    const result: LocalDifference[] = []
    for (const { step, context: inside, place } of places) {
      const key = `${step} ${inside.map(literalKey).join()}`
      if (looked.has(key)) continue
      looked.add(key)
      for (const local of this.#schema(part.node, inside, near)) {
        const verdict =
          local.verdict.kind === 'found' ? this.#solve([...context, yes(place(local.verdict.value))]) : local.verdict
        if (verdict.kind === 'none') continue
        const outward = verdict.kind === 'found' && local.verdict.kind === 'found' && partHolds(part, verdict.value)
        if (!outward) result.push({ ...local, path: [step, ...local.path], verdict })
      }
    }
    return result
  }

  /** An alternative of the writer beside the one of the reader that was meant: the one it differs from least. */
  #alternatives(part: PartOf<'any' | 'one'>, context: Context, near: string): LocalDifference[] {
    const result: LocalDifference[] = []
    for (const [index, alternative] of alternativesOf(context).entries()) {
      const verdict = this.#solve([...alternative, no(part)])
      if (verdict.kind === 'none') continue
      const meant = part.nodes
        .filter(
          (node, other) => part.nodes.length <= MOST_ALTERNATIVES || other === index || sameName(node, alternative),
        )
        .map((node) => this.#schema(node, alternative, near).filter((local) => stillFails(part, local)))
        .filter((found) => found.length > 0 && !isAnother(found))
        .toSorted((left, right) => left.length - right.length)[0]
      // That none of them is meant is a difference of the whole.
      if (meant === undefined) return []
      result.push(...meant)
    }
    return result
  }
}

const MOST_STEPS = 3000
const DEEPEST = 60
const MOST_ALTERNATIVES = 6

/** Alternatives of another kind fail at once, by their type or by the constant that tells them apart. */
function isAnother(found: readonly LocalDifference[]): boolean {
  return found.some(({ keyword, path }) => keyword === 'const' || (keyword === 'type' && path.length === 0))
}

/** A witness against one alternative counts only if no other alternative accepts it. */
function stillFails(part: Part, { verdict }: LocalDifference): boolean {
  return verdict.kind === 'unknown' || !partHolds(part, verdict.value)
}

function sameName(node: SchemaNode, context: Context): boolean {
  const name = nameOf(node)
  return name !== undefined && writersIn(context).some((writer) => nameOf(writer) === name)
}

function nameOf({ schema }: SchemaNode): unknown {
  return typeof schema === 'boolean' ? undefined : (schema['$ref'] ?? schema['title'])
}

function isNamed(context: Context, name: string): boolean {
  return writersIn(context).some(({ parts }) => parts.some((part) => part.kind === 'property' && part.name === name))
}

/** Each index the writer distinguishes, and one behind them. */
function indicesFrom(from: number, context: Context): number[] {
  const edges = writersIn(context).flatMap(({ parts }) =>
    parts.map((part) => (part.kind === 'prefixItem' ? part.index + 1 : 0)),
  )
  const last = Math.max(from, ...edges)
  return Array.from({ length: last - from + 1 }, (_, offset) => from + offset)
}

/** The first of those about the same two places; a confirmed one before one that is not. */
function once(found: readonly LocalDifference[]): readonly LocalDifference[] {
  const byPlace = new Map<string, LocalDifference>()
  for (const local of found) {
    const key = `${local.keyword} ${local.reader.pointer} ${local.writer.pointer}`
    const known = byPlace.get(key)
    if (known === undefined || (known.verdict.kind === 'unknown' && local.verdict.kind === 'found'))
      byPlace.set(key, local)
  }
  return [...byPlace.values()]
}
