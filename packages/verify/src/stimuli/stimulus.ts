import type { Attack, Given } from '../run/attack.ts'
import type { OperationFacts } from '../plan/operation-facts.ts'
import type { Profile } from '../run/profile.ts'

/** A way of provoking a service. What it shows is for the checks to say. */
export interface Stimulus {
  readonly id: string
  /** undefined: nothing promised here has to do with it. A text: what is missing, and what would make it possible */
  applies(operation: OperationFacts, given: Given, profile: Profile): true | string | undefined
  /** alone: nothing else is sent meanwhile (it breaks a dependency, or its timing is everything) */
  readonly alone: boolean
  /** done when all others are, and by itself: it may end the service, and then it must be known what did */
  readonly last?: boolean
  /** it goes by chance, and is tried as often as the profile says: see `inTwoParts` */
  readonly counted?: boolean
  /** how long it takes at least, ms; with less left it is not begun. Default: one call */
  lasts?(attack: Attack, latencyMs: number): number
  /** median time of one call, ms */
  run(attack: Attack, latencyMs: number): Promise<void>
}

export function keyed(operation: OperationFacts): boolean {
  return typeof operation.idempotency !== 'string'
}

/** Repeating it is promised to be harmless, by key or by nature. */
export function repeatable(operation: OperationFacts): boolean {
  return operation.promised.idempotency !== undefined && operation.idempotency !== 'none'
}
