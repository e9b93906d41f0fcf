/** Seeded numbers: the same seed gives the same shop day on every machine. */
export interface Random {
  /** in [0, 1) */
  next(): number
  /** whole, from `low` to `high`, both included */
  between(low: number, high: number): number
  /** true with this probability */
  chance(probability: number): boolean
  pick<T>(list: readonly [T, ...T[]]): T
}

/** Weyl sequence with a multiply-and-xor finaliser over 32 bits; good enough to choose teas and victims. */
export function seeded(...seeds: readonly number[]): Random {
  let state = 0
  for (const seed of seeds) state = mix((state ^ seed) + 0x9e3779b9)
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    return mix(state) / 2 ** 32
  }
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (list) => list[between(0, list.length - 1)] ?? list[0],
  }
}

function mix(value: number): number {
  let x = value >>> 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}
