/** How much is tried, and how long it may take. */
export interface Profile {
  readonly name: 'quick' | 'default' | 'deep'
  /** bursts of copies at once */
  readonly bursts: number
  readonly copies: number
  /** where in the time of the first a late copy is sent, as a share of it */
  readonly lateShares: readonly number[]
  /** how long a dependency is held back, so that a handler outlives short leases */
  readonly stallMs: number
  /** rounds of what is not about chance */
  readonly rounds: number
  /** effects are waited for at most so long */
  readonly settleCapMs: number
  /** for one answer */
  readonly timeoutMs: number
}

export const profiles: Readonly<Record<Profile['name'], Profile>> = {
  quick: {
    name: 'quick',
    bursts: 4,
    copies: 4,
    lateShares: [0.2, 0.5, 0.8],
    stallMs: 900,
    rounds: 1,
    settleCapMs: 3000,
    timeoutMs: 10_000,
  },
  default: {
    name: 'default',
    bursts: 12,
    copies: 6,
    lateShares: [0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9],
    stallMs: 12_000,
    rounds: 3,
    settleCapMs: 20_000,
    timeoutMs: 30_000,
  },
  deep: {
    name: 'deep',
    bursts: 40,
    copies: 8,
    lateShares: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    stallMs: 65_000,
    rounds: 10,
    settleCapMs: 120_000,
    timeoutMs: 120_000,
  },
}
