/** Reads a pattern (ECMA-262 with `u`) as a regular language; undefined where it is none we can read. */
import { type CharSet, classSet, complement, DOT, escapeSet, union } from './char-set.ts'
import { END, type Regex, type RegexPool, START } from './regex.ts'

/** A pattern matches anywhere in a text: the language of all texts that hold a match. */
export function parsePattern(pool: RegexPool, pattern: string): Regex | undefined {
  const parser = new Parser(pool, pattern)
  try {
    return pool.cat(pool.anything, parser.whole())
  } catch (error) {
    if (error instanceof Unread) return undefined
    throw error
  }
}

/** What the parser does not know: back references, look-behind, word boundaries, look-ahead inside repetitions. */
class Unread extends Error {}

type Term =
  | { readonly kind: 'plain'; readonly regex: Regex }
  | { readonly kind: 'ahead'; readonly alternatives: readonly (readonly Term[])[]; readonly negative: boolean }
  | { readonly kind: 'group'; readonly alternatives: readonly (readonly Term[])[] }

const CONTROL: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, 0: 0 }

class Parser {
  readonly #pool: RegexPool
  readonly #text: readonly string[]
  #at = 0

  constructor(pool: RegexPool, pattern: string) {
    this.#pool = pool
    this.#text = Array.from(pattern)
  }

  whole(): Regex {
    const alternatives = this.#alternatives()
    if (this.#at < this.#text.length) throw new Unread()
    return this.#build(alternatives, this.#pool.anything)
  }

  #take(text: string): boolean {
    const found = this.#text.slice(this.#at, this.#at + text.length).join('') === text
    if (found) this.#at += text.length
    return found
  }

  #next(): string {
    const character = this.#text[this.#at++]
    if (character === undefined) throw new Unread()
    return character
  }

  /** Alternatives followed by `rest`. Look-ahead is an intersection with everything that follows. */
  #build(alternatives: readonly (readonly Term[])[], rest: Regex): Regex {
    const pool = this.#pool
    return pool.or(
      alternatives.map((terms) =>
        terms.toReversed().reduce((following, term) => {
          if (term.kind === 'plain') return pool.cat(term.regex, following)
          if (term.kind === 'group') return this.#build(term.alternatives, following)
          const ahead = this.#build(term.alternatives, pool.anything)
          return pool.and([term.negative ? pool.not(ahead) : ahead, following])
        }, rest),
      ),
    )
  }

  #alternatives(): Term[][] {
    const alternatives: Term[][] = [[]]
    while (this.#at < this.#text.length && this.#text[this.#at] !== ')') {
      if (this.#take('|')) alternatives.push([])
      else alternatives.at(-1)?.push(this.#term())
    }
    return alternatives
  }

  #term(): Term {
    const pool = this.#pool
    if (this.#take('^')) {
      while (this.#take('^'));
      return { kind: 'plain', regex: pool.set([[START, START]]) }
    }
    if (this.#take('$')) {
      while (this.#take('$'));
      return { kind: 'plain', regex: pool.set([[END, END]]) }
    }
    if (this.#take('(')) return this.#group()
    return this.#repeated({ kind: 'plain', regex: pool.set(this.#atom()) })
  }

  #group(): Term {
    let ahead: boolean | undefined
    if (this.#take('?')) {
      if (this.#take('=')) ahead = true
      else if (this.#take('!')) ahead = false
      else if (this.#take('<')) {
        if (this.#text[this.#at] === '=' || this.#text[this.#at] === '!') throw new Unread()
        while (this.#next() !== '>');
      } else if (!this.#take(':')) throw new Unread()
    }
    const alternatives = this.#alternatives()
    if (!this.#take(')')) throw new Unread()
    if (ahead !== undefined) return { kind: 'ahead', alternatives, negative: !ahead }
    if (alternatives.every((terms) => terms.every(({ kind }) => kind === 'plain'))) {
      return this.#repeated({ kind: 'plain', regex: this.#build(alternatives, this.#pool.empty) })
    }
    return this.#repeated({ kind: 'group', alternatives })
  }

  #repeated(term: Term): Term {
    const [min, max] = this.#quantifier() ?? [1, 1]
    this.#take('?')
    if (min === 1 && max === 1) return term
    if (term.kind !== 'plain') throw new Unread()
    return { kind: 'plain', regex: this.#pool.repeat(term.regex, min, max) }
  }

  #quantifier(): [number, number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY]
    if (this.#take('?')) return [0, 1]
    const found = /^\{(\d+)(,?)(\d*)\}/.exec(this.#text.slice(this.#at, this.#at + 24).join(''))
    if (found === null) return undefined
    this.#at += found[0].length
    const min = Number(found[1])
    if (found[2] === '') return [min, min]
    return [min, found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3])]
  }

  #atom(): CharSet {
    if (this.#take('.')) return DOT
    if (this.#take('[')) return this.#brackets()
    if (this.#take('\\')) return this.#escape()
    const character = this.#next()
    if ('*+?{}'.includes(character)) throw new Unread()
    return single(character)
  }

  #brackets(): CharSet {
    const negative = this.#take('^')
    const sets: CharSet[] = []
    while (!this.#take(']')) {
      const low = this.#member()
      const from = low[0]?.[0]
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']'
      if (!isRange || from === undefined || low.length > 1 || low[0]?.[1] !== from) {
        sets.push(low)
        continue
      }
      this.#at++
      const to = this.#member().at(-1)?.[1]
      if (to === undefined) throw new Unread()
      sets.push([[from, to]])
    }
    const set = union(...sets)
    return negative ? complement(set) : set
  }

  #member(): CharSet {
    if (this.#take('\\')) return this.#take('b') ? single('\b') : this.#escape()
    return single(this.#next())
  }

  #escape(): CharSet {
    const letter = this.#next()
    const set = classSet(letter)
    if (set !== undefined) return set
    const control = CONTROL[letter]
    if (control !== undefined) return [[control, control]]
    if (letter === 'p' || letter === 'P') {
      const end = this.#text.indexOf('}', this.#at)
      if (end < 0 || this.#text[this.#at] !== '{') throw new Unread()
      const name = this.#text.slice(this.#at, end + 1).join('')
      this.#at = end + 1
      return escapeSet(`\\${letter}${name}`)
    }
    if (letter === 'x') return this.#hexadecimal(2)
    if (letter === 'u') {
      if (!this.#take('{')) return this.#hexadecimal(4)
      const end = this.#text.indexOf('}', this.#at)
      const set = this.#hexadecimal(end - this.#at)
      this.#at++
      return set
    }
    if (/[\w]/.test(letter)) throw new Unread()
    return single(letter)
  }

  #hexadecimal(length: number): CharSet {
    const point = Number.parseInt(this.#text.slice(this.#at, this.#at + length).join(''), 16)
    if (Number.isNaN(point)) throw new Unread()
    this.#at += length
    return [[point, point]]
  }
}

function single(character: string): CharSet {
  const point = character.codePointAt(0) ?? 0
  return [[point, point]]
}
