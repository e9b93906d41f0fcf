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
  /** values of a body that are changed, one at a time; of more a part is chosen by the seed */
  readonly leaves: number
  /** effects are waited for at most so long */
  readonly settleCapMs: number
  /** for one answer */
  readonly timeoutMs: number
  /** for the attack on one operation, the time included that its effects take to settle; starts of the service are not counted */
  readonly operationMs: number
  /** for all HTTP operations of the service, counting included */
  readonly serviceMs: number
}

export const profiles: Readonly<Record<Profile['name'], Profile>> = {
  quick: {
    name: 'quick',
    bursts: 4,
    copies: 4,
    lateShares: [0.2, 0.5, 0.8],
    stallMs: 900,
    rounds: 1,
    leaves: 16,
    settleCapMs: 3000,
    timeoutMs: 10_000,
    operationMs: 5000,
    serviceMs: 20_000,
  },
  default: {
    name: 'default',
    bursts: 12,
    copies: 6,
    lateShares: [0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9],
    stallMs: 12_000,
    rounds: 3,
    leaves: 48,
    settleCapMs: 20_000,
    timeoutMs: 30_000,
    operationMs: 60_000,
    serviceMs: 300_000,
  },
  deep: {
    name: 'deep',
    bursts: 40,
    copies: 8,
    lateShares: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    stallMs: 65_000,
    rounds: 10,
    leaves: 256,
    settleCapMs: 120_000,
    timeoutMs: 120_000,
    operationMs: Infinity,
    serviceMs: Infinity,
  },
}

const least = { bursts: 4, lateShares: 3, rounds: 1 }

/**
 * What a verdict needs, of what a profile would try, and the rest, which makes it surer. A slow service has time for the
 * first of all stimuli before the second of any begins.
 */
export function inTwoParts(profile: Profile): { needed: Profile; more: Profile | undefined } {
  const { bursts, lateShares, rounds } = profile
  if (bursts <= least.bursts && lateShares.length <= least.lateShares && rounds <= least.rounds)
    return { needed: profile, more: undefined }
  // Early, in the middle and late.
  const step = Math.max(1, Math.floor(lateShares.length / least.lateShares))
  const first = lateShares.filter((_, at) => at % step === Math.floor(step / 2)).slice(0, least.lateShares)
  return {
    needed: {
      ...profile,
      bursts: Math.min(bursts, least.bursts),
      lateShares: first,
      rounds: Math.min(rounds, least.rounds),
    },
    more: {
      ...profile,
      bursts: Math.max(0, bursts - least.bursts),
      lateShares: lateShares.filter((share) => !first.includes(share)),
      rounds: Math.max(0, rounds - least.rounds),
    },
  }
}
