/**
 * Regular languages with intersection and complement, by derivatives (Brzozowski 1964; Owens, Reppy, Turon 2009).
 * Every expression is made once: equal ones are the same object, which keeps the number of derivatives finite.
 */
import { type CharSet, EVERY, has, LAST, union } from './char-set.ts'

/** Stand before and behind every text, so that `^` and `$` are characters like others. */
export const START = LAST + 1
export const END = LAST + 2

export type Regex =
  | { readonly id: number; readonly kind: 'set'; readonly set: CharSet }
  | { readonly id: number; readonly kind: 'none' | 'empty' }
  | { readonly id: number; readonly kind: 'cat'; readonly first: Regex; readonly rest: Regex }
  | { readonly id: number; readonly kind: 'or' | 'and'; readonly parts: readonly Regex[] }
  | { readonly id: number; readonly kind: 'not'; readonly inner: Regex }
  | { readonly id: number; readonly kind: 'repeat'; readonly inner: Regex; readonly min: number; readonly max: number }

/** Distributes over the members of a union, so that each of them has its own `kind`. */
type Shape<T> = T extends unknown ? Omit<T, 'id'> : never

/** Makes expressions and their derivatives, and remembers both. */
export class RegexPool {
  readonly #made = new Map<string, Regex>()
  readonly #derived = new Map<string, Regex>()

  readonly none = this.#make('none', { kind: 'none' })
  readonly empty = this.#make('empty', { kind: 'empty' })
  /** any text, sentinels included */
  readonly anything = this.repeat(this.set([...EVERY, [START, END]]), 0, Number.POSITIVE_INFINITY)

  #make(key: string, shape: Shape<Regex>): Regex {
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const made = { ...shape, id: this.#made.size } as Regex
    this.#made.set(key, made)
    return made
  }

  set(set: CharSet): Regex {
    return set.length === 0 ? this.none : this.#make(`s${set.join(';')}`, { kind: 'set', set: union(set) })
  }

  /** This text and no other. */
  exactly(text: string): Regex {
    const points = [START, ...Array.from(text, (character) => character.codePointAt(0) ?? 0), END]
    return points.reduceRight<Regex>((then, point) => this.cat(this.set([[point, point]]), then), this.empty)
  }

  cat(first: Regex, rest: Regex): Regex {
    if (first === this.none || rest === this.none) return this.none
    if (first === this.empty) return rest
    if (rest === this.empty) return first
    // To the right, so that equal tails are equal objects.
    if (first.kind === 'cat') return this.cat(first.first, this.cat(first.rest, rest))
    return this.#make(`c${first.id},${rest.id}`, { kind: 'cat', first, rest })
  }

  or(parts: readonly Regex[]): Regex {
    return this.#combine('or', parts, this.none, this.anything)
  }

  and(parts: readonly Regex[]): Regex {
    return this.#combine('and', parts, this.anything, this.none)
  }

  #combine(kind: 'or' | 'and', parts: readonly Regex[], neutral: Regex, absorbing: Regex): Regex {
    const flat = new Set(parts.flatMap((part) => (part.kind === kind ? part.parts : [part])))
    flat.delete(neutral)
    const [only] = flat
    if (only === undefined) return neutral
    const opposed = [...flat].some((part) => part.kind === 'not' && flat.has(part.inner))
    if (flat.has(absorbing) || opposed) return absorbing
    if (flat.size === 1) return only
    const sorted = [...flat].toSorted((left, right) => left.id - right.id)
    return this.#make(`${kind}${sorted.map(({ id }) => id).join()}`, { kind, parts: sorted })
  }

  not(inner: Regex): Regex {
    if (inner.kind === 'not') return inner.inner
    if (inner === this.none) return this.anything
    if (inner === this.anything) return this.none
    return this.#make(`n${inner.id}`, { kind: 'not', inner })
  }

  repeat(inner: Regex, min: number, max: number): Regex {
    if (max === 0 || inner === this.empty) return this.empty
    if (inner === this.none) return min === 0 ? this.empty : this.none
    if (min === 1 && max === 1) return inner
    return this.#make(`r${inner.id},${min},${max}`, { kind: 'repeat', inner, min, max })
  }

  /** Whether the empty text belongs to the language. */
  nullable(regex: Regex): boolean {
    switch (regex.kind) {
      case 'none':
      case 'set':
        return false
      case 'empty':
        return true
      case 'cat':
        return this.nullable(regex.first) && this.nullable(regex.rest)
      case 'or':
        return regex.parts.some((part) => this.nullable(part))
      case 'and':
        return regex.parts.every((part) => this.nullable(part))
      case 'not':
        return !this.nullable(regex.inner)
      case 'repeat':
        return regex.min === 0 || this.nullable(regex.inner)
    }
  }

  /** What may follow in the language after this character. */
  derive(regex: Regex, point: number): Regex {
    const key = `${regex.id},${point}`
    const known = this.#derived.get(key)
    if (known !== undefined) return known
    const derived = this.#derive(regex, point)
    this.#derived.set(key, derived)
    return derived
  }

  #derive(regex: Regex, point: number): Regex {
    switch (regex.kind) {
      case 'none':
      case 'empty':
        return this.none
      case 'set':
        return has(regex.set, point) ? this.empty : this.none
      case 'cat': {
        const first = this.cat(this.derive(regex.first, point), regex.rest)
        return this.nullable(regex.first) ? this.or([first, this.derive(regex.rest, point)]) : first
      }
      case 'or':
        return this.or(regex.parts.map((part) => this.derive(part, point)))
      case 'and':
        return this.and(regex.parts.map((part) => this.derive(part, point)))
      case 'not':
        return this.not(this.derive(regex.inner, point))
      case 'repeat': {
        const rest = this.repeat(regex.inner, Math.max(0, regex.min - 1), regex.max - 1)
        return this.cat(this.derive(regex.inner, point), rest)
      }
    }
  }

  /** The sets that decide what the first character leads to. */
  firstSets(regex: Regex, found: Set<CharSet> = new Set()): Set<CharSet> {
    switch (regex.kind) {
      case 'none':
      case 'empty':
        break
      case 'set':
        found.add(regex.set)
        break
      case 'cat':
        this.firstSets(regex.first, found)
        if (this.nullable(regex.first)) this.firstSets(regex.rest, found)
        break
      case 'or':
      case 'and':
        for (const part of regex.parts) this.firstSets(part, found)
        break
      case 'not':
      case 'repeat':
        this.firstSets(regex.inner, found)
        break
    }
    return found
  }
}
