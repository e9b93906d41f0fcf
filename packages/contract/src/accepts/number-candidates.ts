/** Numbers within bounds that are, and are not, multiples of others. Exact: decimals are compared as integers. */
import type { Branch } from './branch.ts'
import { commonScale, isMultiple, leastCommonMultiple, scaled, unscaled } from './decimal.ts'
import { NUMBER_FORMATS } from './formats.ts'
import { type Candidates, IMPOSSIBLE } from './theory.ts'
import { FRACTION, INTEGER } from './value.ts'

interface Bounds {
  low: number
  lowOpen: boolean
  high: number
  highOpen: boolean
  readonly multiples: number[]
  readonly notMultiples: number[]
  readonly excluded: number[]
  /** ranges of which it is outside: formats that fail */
  readonly outside: (readonly [number, number])[]
}

/** Enough of them to choose from where a clause excludes some. */
const WANTED = 6
const MOST_TRIES = 5000

export function numberCandidates(branch: Branch): Candidates {
  const bounds = boundsOf(branch)
  if (bounds === undefined) return IMPOSSIBLE
  for (const range of bounds.outside) leave(bounds, range)
  if (bounds.low > bounds.high) return IMPOSSIBLE
  if (bounds.low === bounds.high && (bounds.lowOpen || bounds.highOpen)) return IMPOSSIBLE
  if (branch.type === INTEGER) bounds.multiples.push(1)
  return bounds.multiples.length > 0 ? stepped(bounds, branch.type) : dense(bounds)
}

function boundsOf({ facts, type }: Branch): Bounds | undefined {
  const bounds: Bounds = {
    low: Number.NEGATIVE_INFINITY,
    lowOpen: false,
    high: Number.POSITIVE_INFINITY,
    highOpen: false,
    multiples: [],
    notMultiples: [],
    excluded: [],
    outside: [],
  }
  for (const { part, negated } of facts) {
    if (part.kind === 'minimum' || part.kind === 'maximum') {
      const upper = (part.kind === 'maximum') !== negated
      const open = part.exclusive !== negated
      if (upper) below(bounds, part.limit, open)
      else above(bounds, part.limit, open)
    } else if (part.kind === 'multipleOf') (negated ? bounds.notMultiples : bounds.multiples).push(part.of)
    else if (part.kind === 'enum') {
      bounds.excluded.push(...part.values.filter((value) => typeof value === 'number'))
    } else if (part.kind === 'format') {
      const range = NUMBER_FORMATS[part.format]
      if (range === undefined) {
        if (negated) return undefined
        continue
      }
      // A fraction fails all of them.
      if (type === FRACTION) {
        if (!negated) return undefined
      } else if (negated) bounds.outside.push(range)
      else {
        above(bounds, range[0], false)
        below(bounds, range[1], false)
      }
    }
  }
  return bounds
}

function above(bounds: Bounds, limit: number, open: boolean): void {
  if (limit < bounds.low || (limit === bounds.low && !open)) return
  bounds.low = limit
  bounds.lowOpen = open
}

function below(bounds: Bounds, limit: number, open: boolean): void {
  if (limit > bounds.high || (limit === bounds.high && !open)) return
  bounds.high = limit
  bounds.highOpen = open
}

/** Where an excluded range covers one of the bounds, the bound is where the range ends. */
function leave(bounds: Bounds, [low, high]: readonly [number, number]): void {
  if (bounds.low >= low && bounds.low <= high) above(bounds, high, true)
  if (bounds.high >= low && bounds.high <= high) below(bounds, low, true)
}

function fits(bounds: Bounds, value: number): boolean {
  if (bounds.lowOpen ? value <= bounds.low : value < bounds.low) return false
  if (bounds.highOpen ? value >= bounds.high : value > bounds.high) return false
  if (bounds.notMultiples.some((of) => isMultiple(value, of))) return false
  if (bounds.outside.some(([low, high]) => value >= low && value <= high)) return false
  return !bounds.excluded.includes(value)
}

/** Multiples of something: the multiples of the least common multiple, near zero or else from a bound. */
function stepped(bounds: Bounds, type: number): Candidates {
  if (type === FRACTION) bounds.notMultiples.push(1)
  const finite = [bounds.low, bounds.high].filter(Number.isFinite)
  const scale = commonScale([...bounds.multiples, ...bounds.notMultiples, ...finite])
  const step = bounds.multiples.map((of) => scaled(of, scale)).reduce(leastCommonMultiple)
  const least = Number.isFinite(bounds.low) ? ceiling(scaled(bounds.low, scale), step) : undefined
  const most = Number.isFinite(bounds.high) ? floor(scaled(bounds.high, scale), step) : undefined
  if (least !== undefined && most !== undefined && least > most) return IMPOSSIBLE
  // What is no multiple repeats itself after this many steps.
  const period = bounds.notMultiples.map((of) => scaled(of, scale)).reduce(leastCommonMultiple, step) / step
  const needed = period * BigInt(bounds.excluded.length + 1) + 2n
  const values: number[] = []
  let [tried, lost] = [0n, false]
  for (const index of indices(least, most, bounds.outside, scale, step)) {
    const value = unscaled(index * step, scale)
    tried++
    if (value === undefined) lost = true
    else if (fits(bounds, value)) values.push(value)
    if (values.length >= WANTED || tried > MOST_TRIES || (bounds.outside.length === 0 && tried > needed)) break
  }
  const all = least !== undefined && most !== undefined ? most - least + 1n : undefined
  const enough = (all !== undefined && tried >= all) || (bounds.outside.length === 0 && tried >= needed)
  const proven = !lost && enough
  return { values, proven, ...(proven ? {} : { reason: 'too many numbers to try' }) }
}

/** From zero outwards where zero is within, else from the bound nearest to it; then just outside of excluded ranges. */
function* indices(
  least: bigint | undefined,
  most: bigint | undefined,
  outside: Bounds['outside'],
  scale: number,
  step: bigint,
): Generator<bigint> {
  const within = (index: bigint): boolean =>
    (least === undefined || index >= least) && (most === undefined || index <= most)
  for (const [low, high] of outside) {
    for (const index of [ceiling(scaled(high, scale), step) + 1n, floor(scaled(low, scale), step) - 1n]) {
      // Beyond 2^53 not every integer is a double; powers of two are.
      const near = [index, index < 0n ? index * 2n : index * 2n - 2n, index * 4n]
      for (const each of near) if (within(each)) yield each
    }
  }
  const zero = within(0n) ? 0n : least !== undefined && least > 0n ? least : (most ?? 0n)
  if (within(zero)) yield zero
  for (let distance = 1n; ; distance++) {
    const [up, down] = [zero + distance, zero - distance]
    if (within(up)) yield up
    if (within(down)) yield down
    if (!within(up) && !within(down)) return
  }
}

function ceiling(value: bigint, step: bigint): bigint {
  const quotient = value / step
  return value > 0n && value % step !== 0n ? quotient + 1n : quotient
}

function floor(value: bigint, step: bigint): bigint {
  const quotient = value / step
  return value < 0n && value % step !== 0n ? quotient - 1n : quotient
}

/** Fractions: between two different bounds there always is one. */
function dense(bounds: Bounds): Candidates {
  const { low, high } = bounds
  const starts = [0.5, 1.5, -0.5, 0.25, 1e9 + 0.5, -1e9 - 0.5]
  if (Number.isFinite(low)) starts.push(low, low + 0.5, low + 1.25)
  if (Number.isFinite(high)) starts.push(high, high - 0.5, high - 1.25)
  if (Number.isFinite(low) && Number.isFinite(high)) {
    for (let part = 1; part < 16; part++) starts.push(low + ((high - low) * part) / 16)
  }
  const values = [...new Set(starts)].filter((value) => !Number.isInteger(value) && fits(bounds, value))
  if (low === high && values.length === 0) return IMPOSSIBLE
  return { values: values.slice(0, WANTED), proven: false, reason: 'no fraction was found between the bounds' }
}
