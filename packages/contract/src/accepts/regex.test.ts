import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVERY } from './char-set.ts'
import { END, type Regex, RegexPool, START } from './regex.ts'
import { parsePattern } from './regex-parse.ts'
import { findTexts } from './regex-search.ts'

const PATTERNS = [
  '',
  'a',
  '^a',
  'a$',
  '^$',
  '^a*$',
  '^(a|b)+$',
  '^a{2,3}$',
  '^a{2,}b?$',
  '(^a|b$)',
  '^(?:ab)*?c',
  '[a-c]',
  '^[^a-c]+$',
  String.raw`^\d{2}-\w+$`,
  String.raw`^\s*\S+$`,
  String.raw`\.`,
  String.raw`^[\d.\-]+$`,
  '^(?=.*b)a',
  '^(?!ab)[ab]+$',
  String.raw`^\p{Lu}\p{Ll}*$`,
  String.raw`^\x61\u0062\u{63}$`,
  'a|^b|c$',
  '^.b.$',
  '^(a?){3}$',
  '(a|)b',
  '^(?<n>a)b',
  '^((a|b)c){1,2}$',
  '^[a-z]+(-[a-z]+)*$',
  '^a.*b$',
  '^(|a)$',
]

function matches(pool: RegexPool, regex: Regex, text: string): boolean {
  const points = [START, ...Array.from(text, (character) => character.codePointAt(0) ?? 0), END]
  return pool.nullable(points.reduce((rest, point) => pool.derive(rest, point), regex))
}

const piece = fc.constantFrom(
  '',
  'a',
  'b',
  'c',
  'ab',
  'abc',
  '1',
  '12-x',
  '-',
  '.',
  ' ',
  '\n',
  'É',
  'é',
  'A',
  '😀',
  ']',
)
const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''))

describe.each(PATTERNS)('/%s/', (pattern) => {
  const pool = new RegexPool()
  const regex = parsePattern(pool, pattern)
  const expression = new RegExp(pattern, 'u')

  test('is the language that the engine matches', () => {
    if (regex === undefined) throw new Error('was not read')
    const verdicts = fc
      .sample(text, { numRuns: 300, seed: 3 })
      .map((each) => [each, matches(pool, regex, each)] as const)
    expect(verdicts.filter(([each, verdict]) => verdict !== expression.test(each))).toEqual([])
  })

  test('texts that are found belong to it, and those of the complement do not', () => {
    if (regex === undefined) throw new Error('was not read')
    const bounds = { min: 0, max: 12, wanted: 5 }
    const inside = findTexts(pool, regex, bounds)
    const outside = findTexts(pool, pool.not(regex), bounds)
    expect(inside.texts.length + outside.texts.length).toBeGreaterThan(0)
    expect(inside.texts.filter((each) => !expression.test(each))).toEqual([])
    expect(outside.texts.filter((each) => expression.test(each))).toEqual([])
    const both = findTexts(pool, pool.and([regex, pool.not(regex)]), bounds)
    expect(both).toEqual({ texts: [], complete: true })
  })
})

test.each([String.raw`(a)\1`, '(?<=a)b', String.raw`\ba`, '(a(?=b))*', '(?<!a)b'])('%s is not read', (pattern) => {
  expect(parsePattern(new RegexPool(), pattern)).toBeUndefined()
})

test('within lengths', () => {
  const pool = new RegexPool()
  const any = pool.cat(
    pool.set([[START, START]]),
    pool.cat(pool.repeat(pool.set(EVERY), 0, Infinity), pool.set([[END, END]])),
  )
  expect(findTexts(pool, any, { min: 3, max: 3, wanted: 1 }).texts.map((each) => each.length)).toEqual([3])
  const word = parsePattern(pool, '^[a-z]{2,4}$') ?? pool.none
  expect(findTexts(pool, word, { min: 5, max: Infinity, wanted: 1 })).toEqual({ texts: [], complete: true })
})
