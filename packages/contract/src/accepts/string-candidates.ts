/** Texts within lengths that match, and do not match, patterns and formats. */
import type { Branch } from './branch.ts'
import { checkFormat, TEXT_FORMATS } from './formats.ts'
import { FORMATS } from '../generate/formats.ts'
import { patternMatches } from './pattern-matches.ts'
import type { Regex, RegexPool } from './regex.ts'
import { parsePattern } from './regex-parse.ts'
import { findTexts } from './regex-search.ts'
import { type Candidates, IMPOSSIBLE } from './theory.ts'
import { codePoints } from './value.ts'

interface Wanted {
  min: number
  max: number
  readonly patterns: { readonly pattern: string; readonly negated: boolean }[]
  readonly formats: { readonly format: string; readonly negated: boolean }[]
  readonly excluded: Set<string>
}

/** Where formats decide, several texts of the language are tried. */
const VARIETY = 24
const ORDINARY = 3
/** Longer texts are found, if nothing but their length matters. */
const LONGEST = 2000

export function stringCandidates({ facts }: Branch, pool: RegexPool): Candidates {
  const wanted: Wanted = { min: 0, max: Number.POSITIVE_INFINITY, patterns: [], formats: [], excluded: new Set() }
  for (const { part, negated } of facts) {
    if (part.kind === 'minLength' || part.kind === 'maxLength') {
      const lower = (part.kind === 'minLength') !== negated
      const limit = negated ? (part.kind === 'minLength' ? part.count - 1 : part.count + 1) : part.count
      if (lower) wanted.min = Math.max(wanted.min, Math.ceil(limit))
      else wanted.max = Math.min(wanted.max, Math.floor(limit))
    } else if (part.kind === 'pattern') wanted.patterns.push({ pattern: part.pattern, negated })
    else if (part.kind === 'format') {
      if (FORMATS[part.format] !== 'string') {
        if (negated) return IMPOSSIBLE
      } else wanted.formats.push({ format: part.format, negated })
    } else if (part.kind === 'enum') {
      for (const value of part.values) if (typeof value === 'string') wanted.excluded.add(value)
    }
  }
  if (wanted.min > wanted.max) return IMPOSSIBLE
  return wanted.patterns.length + wanted.formats.length === 0 ? byLength(wanted) : byLanguage(wanted, pool)
}

const LETTERS = ['a', 'b', 'x', 'other', '0', 'A', 'c', 'd', 'e', 'f', 'g', 'h']

function byLength({ min, max, excluded }: Wanted): Candidates {
  if (max === 0) return { values: excluded.has('') ? [] : [''], proven: true }
  const values: string[] = []
  // One more than there are excluded ones is always enough.
  for (let index = 0; values.length < ORDINARY && index <= excluded.size + LETTERS.length; index++) {
    const letter = LETTERS[index] ?? String.fromCodePoint(0x4e_00 + index)
    const text =
      codePoints(letter) >= min && codePoints(letter) <= max ? letter : letter.charAt(0).repeat(Math.max(1, min))
    if (!excluded.has(text) && !values.includes(text)) values.push(text)
  }
  if (min === 0 && !excluded.has('')) values.push('')
  return { values, proven: false, reason: 'no text of this length was found' }
}

function byLanguage(wanted: Wanted, pool: RegexPool): Candidates {
  const { min, max, patterns, formats, excluded } = wanted
  const contradicted = formats.some(
    ({ format, negated }) =>
      !negated && formats.some((other) => other.negated && (other.format === format || implies(format, other.format))),
  )
  if (contradicted) return IMPOSSIBLE
  const opposed = patterns.some(
    ({ pattern, negated }) => !negated && patterns.some((other) => other.negated && other.pattern === pattern),
  )
  if (opposed) return IMPOSSIBLE
  const values: string[] = []
  const take = (texts: readonly string[]): void => {
    for (const text of texts)
      if (values.length < ORDINARY && !values.includes(text) && fits(wanted, text)) values.push(text)
  }
  const positive = formats.flatMap(({ format, negated }) => (negated ? [] : [TEXT_FORMATS[format]]))
  take(positive.flatMap((format) => format?.samples ?? []))
  take(positive.flatMap((format) => (format?.stretch === undefined ? [] : stretched(format.stretch, min))))
  if (values.length > 0) return { values, proven: false }
  const read = patterns.map(({ pattern, negated }) => signed(pool, parsePattern(pool, pattern), negated))
  const within = formats.map(({ format, negated }) => {
    const superset = negated ? undefined : TEXT_FORMATS[format]?.within
    return superset === undefined ? undefined : parsePattern(pool, superset)
  })
  const known = [...read, ...within].filter((regex) => regex !== undefined)
  const others = [...excluded].map((text) => pool.not(pool.exactly(text)))
  const language = pool.and([...known, ...others])
  // With patterns that cannot be read as languages, and with formats, more texts are tried.
  const loose = formats.length > 0 || read.includes(undefined)
  const search =
    max - min > LONGEST && min > LONGEST
      ? { texts: [], complete: false }
      : findTexts(pool, language, { min, max, wanted: loose ? VARIETY : ORDINARY })
  take(search.texts)
  if (loose && values.length === 0) take([...LETTERS, '', ' ', '1', 'http://x', '-', 'aaaaaaaa', 'a1', 'A1!a0000'])
  const proven = search.texts.length === 0 && search.complete
  return { values, proven, ...(proven ? {} : { reason: reasonFor(wanted) }) }
}

/** A text of the format that is at least so long, and the few next longer ones: some lengths do not exist. */
function stretched([before, filler, behind]: readonly [string, string, string], min: number): string[] {
  const needed = Math.max(0, Math.ceil((min - before.length - behind.length) / filler.length))
  return [0, 1, 2, 3].map((more) => before + filler.repeat(needed + more) + behind)
}

function signed(pool: RegexPool, regex: Regex | undefined, negated: boolean): Regex | undefined {
  return regex === undefined || !negated ? regex : pool.not(regex)
}

function implies(format: string, other: string): boolean {
  return TEXT_FORMATS[format]?.implies?.includes(other) === true
}

function fits({ min, max, patterns, formats, excluded }: Wanted, text: string): boolean {
  const length = codePoints(text)
  return (
    length >= min &&
    length <= max &&
    !excluded.has(text) &&
    patterns.every(({ pattern, negated }) => patternMatches(pattern, text) !== negated) &&
    formats.every(({ format, negated }) => checkFormat(format, text) !== negated)
  )
}

function reasonFor({ patterns, formats }: Wanted): string {
  const shown = [
    ...patterns.map(({ pattern, negated }) => `${negated ? 'not ' : ''}\`pattern: ${pattern}\``),
    ...formats.map(({ format, negated }) => `${negated ? 'not ' : ''}\`format: ${format}\``),
  ]
  return `no text was found for ${shown.join(' and ')}, and no proof that there is none`
}
