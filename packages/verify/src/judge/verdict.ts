import type { SourceLocation } from '@spandrel/contract'
import type { CleanupRecord, Commit, Untested } from '../history/records.ts'
import type { Member } from '../plan/operation-facts.ts'

/**
 * FAIL: one concrete counterexample. PASS: clean trials, a stimulus that is known to have happened, and a strong oracle.
 * WEAK: clean, but answers are all that was seen. INCONCLUSIVE: nothing was shown either way.
 */
export type Verdict = 'FAIL' | 'PASS' | 'WEAK' | 'INCONCLUSIVE'

export interface Counterexample {
  readonly trial: string
  /** what was done */
  readonly about: string
  /** what came of it */
  readonly what: string
  /** ids of the requests that show it */
  readonly requests: readonly string[]
}

export interface CheckVerdict {
  /** `orders.placeOrder/sequential` */
  readonly finding: string
  readonly ref: string
  readonly check: string
  readonly member: Member
  readonly promise: string
  readonly verdict: Verdict
  /** trials that proved something, and all trials */
  readonly confirmed: number
  readonly trials: number
  readonly counterexamples: readonly Counterexample[]
  /** why it is not PASS, or what bounds it */
  readonly notes: readonly string[]
}

export interface GuaranteeVerdict {
  readonly ref: string
  readonly member: Member
  readonly verdict: Verdict | 'NOT TESTED'
  /** the line that makes the promise */
  readonly location: SourceLocation
  readonly checks: readonly CheckVerdict[]
  readonly untested: readonly Untested[]
}

export interface VerifyReport {
  /** of this report's shape */
  readonly version: 1
  readonly run: string
  readonly seed: number
  readonly started: string
  /** what was checked out where the run was started; `spandrel scorecard` counts a report for its commit only */
  readonly commit?: Commit
  readonly profile: string
  /** the service went away by itself, and when; nothing after that was tried */
  readonly stopped?: string
  /** `tested`: something was tried of it */
  readonly guarantees: { readonly declared: number; readonly tested: number; readonly passed: number }
  readonly results: readonly GuaranteeVerdict[]
  /** what was removed again, by operation */
  readonly cleanup: readonly Pick<CleanupRecord, 'ref' | 'markers' | 'cleaned' | 'why'>[]
}
