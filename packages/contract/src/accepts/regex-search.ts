/** Finds the texts of a language, shortest first. */
import { type CharSet, has, LAST } from './char-set.ts'
import { END, type Regex, type RegexPool, START } from './regex.ts'

export interface TextSearch {
  readonly texts: readonly string[]
  /** every text of the language within the bounds was seen, or could have been: none found means there is none */
  readonly complete: boolean
}

interface Step {
  readonly regex: Regex
  readonly text: string
  readonly length: number
}

/** Characters that are pleasant to read in a witness. */
const PLEASANT = Array.from('aA0b1x-_./: @zZ9').map((character) => character.codePointAt(0) ?? 0)
const MOST_STEPS = 4000

/**
 * Up to `wanted` texts of `min` to `max` code points.
 *
 * Breadth first over derivatives. A derivative is visited `wanted` times at most for each length below `min`: with one
 * visit the shortest text is found and absence is proven; more visits give variety.
 */
export function findTexts(
  pool: RegexPool,
  regex: Regex,
  { min, max, wanted }: { min: number; max: number; wanted: number },
): TextSearch {
  const texts: string[] = []
  const visits = new Map<string, number>()
  let queue: Step[] = [{ regex: pool.derive(regex, START), text: '', length: 0 }]
  let steps = 0
  while (queue.length > 0) {
    const following: Step[] = []
    for (const { regex: current, text, length } of queue) {
      if (current === pool.none) continue
      const key = `${current.id},${Math.min(length, min)}`
      const visited = visits.get(key) ?? 0
      if (visited >= wanted) continue
      visits.set(key, visited + 1)
      if (length >= min && pool.nullable(pool.derive(current, END))) texts.push(text)
      if (texts.length >= wanted) return { texts, complete: false }
      if (++steps > MOST_STEPS) return { texts, complete: false }
      if (length >= max) continue
      for (const point of representatives(pool.firstSets(current), wanted)) {
        const next = pool.derive(current, point)
        following.push({ regex: next, text: text + String.fromCodePoint(point), length: length + 1 })
      }
    }
    queue = following
  }
  return { texts, complete: true }
}

/** One character of each class that the sets tell apart; lone surrogates, which no JSON text should hold, are left out. */
function representatives(sets: ReadonlySet<CharSet>, variety: number): number[] {
  const list = [...sets]
  const starts = new Set([0, 0xe0_00, ...PLEASANT])
  for (const set of list) {
    for (const [low, high] of set) {
      starts.add(low)
      starts.add(high + 1)
    }
  }
  const chosen = new Map<string, number[]>()
  const order = [...PLEASANT, ...[...starts].toSorted((left, right) => left - right)]
  const most = variety > 1 ? 2 : 1
  for (const point of order) {
    if (point > LAST || (point >= 0xd8_00 && point <= 0xdf_ff)) continue
    const signature = list.map((set) => (has(set, point) ? '1' : '0')).join('')
    const found = chosen.get(signature) ?? []
    if (found.length < most && !found.includes(point)) chosen.set(signature, [...found, point])
  }
  return [...chosen.values()].flat()
}
