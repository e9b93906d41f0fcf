/** Sets of code points, as sorted, disjoint, inclusive ranges. */
export type CharSet = readonly (readonly [number, number])[]

export const LAST = 0x10_ff_ff
export const EVERY: CharSet = [[0, LAST]]

export function union(...sets: readonly CharSet[]): CharSet {
  const all = sets.flat().toSorted((left, right) => left[0] - right[0])
  const result: [number, number][] = []
  for (const [low, high] of all) {
    const last = result.at(-1)
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high)
    else result.push([low, high])
  }
  return result
}

export function complement(set: CharSet): CharSet {
  const result: [number, number][] = []
  let next = 0
  for (const [low, high] of set) {
    if (low > next) result.push([next, low - 1])
    next = high + 1
  }
  if (next <= LAST) result.push([next, LAST])
  return result
}

export function has(set: CharSet, point: number): boolean {
  let [low, high] = [0, set.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const range = set[middle]
    if (range === undefined) return false
    if (point < range[0]) high = middle - 1
    else if (point > range[1]) low = middle + 1
    else return true
  }
  return false
}

const properties = new Map<string, CharSet>()

/** What an escape such as `\d` or `\p{L}` stands for, asked of the engine once for each code point. */
export function escapeSet(escape: string): CharSet {
  const known = properties.get(escape)
  if (known !== undefined) return known
  const expression = new RegExp(`^${escape}$`, 'u')
  const result: [number, number][] = []
  for (let point = 0; point <= LAST; point++) {
    if (!expression.test(String.fromCodePoint(point))) continue
    const last = result.at(-1)
    if (last !== undefined && last[1] === point - 1) last[1] = point
    else result.push([point, point])
  }
  properties.set(escape, result)
  return result
}

const DIGITS: CharSet = [[48, 57]]
const WORD: CharSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
]
const SPACE: CharSet = union(
  [
    [9, 13],
    [32, 32],
    [160, 160],
    [0x16_80, 0x16_80],
    [0x20_00, 0x20_0a],
  ],
  [
    [0x20_28, 0x20_29],
    [0x20_2f, 0x20_2f],
    [0x20_5f, 0x20_5f],
    [0x30_00, 0x30_00],
    [0xfe_ff, 0xfe_ff],
  ],
)

/** `d`, `w`, `s` and their opposites. */
export function classSet(letter: string): CharSet | undefined {
  const set = { d: DIGITS, w: WORD, s: SPACE }[letter.toLowerCase()]
  if (set === undefined) return undefined
  return letter === letter.toLowerCase() ? set : complement(set)
}

/** What `.` matches: everything but the ends of lines. */
export const DOT: CharSet = complement([
  [10, 10],
  [13, 13],
  [0x20_28, 0x20_29],
])
