/** What the theories of the types know of the search they are part of. */
import type { Literal } from './literal.ts'
import type { SyntheticSchemas } from './synthetic.ts'
import type { AcceptsPolicy } from './types.ts'

export type Verdict =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly value: unknown }
  | { readonly kind: 'unknown'; readonly reason: string }

/** Instances that satisfy the facts of a branch. */
export interface Candidates {
  readonly values: readonly unknown[]
  /** where there are none: it is proven that there can be none */
  readonly proven: boolean
  readonly reason?: string
}

export const IMPOSSIBLE: Candidates = { values: [], proven: true }

export interface Theory {
  readonly policy: AcceptsPolicy
  readonly made: SyntheticSchemas
  /** An instance of which all literals hold, for a value inside the one that is looked for. */
  solve(literals: readonly Literal[]): Verdict
}
