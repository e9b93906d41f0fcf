import type { Change, Changes, Subject } from './changes.ts'
import type { Landscape } from './consumers.ts'
import type { Side } from './load-side.ts'
import type { DiffRule, Policy } from './model.ts'
import type { SchemaComparison } from './schemas/schema-comparison.ts'

/** What every check is given besides the pair it looks at. */
export interface Comparison {
  readonly base: Side
  readonly revision: Side
  readonly policy: Policy
  /** what sunsets and notices are measured from */
  readonly today: Date
  readonly changes: Changes
  /** who relies on what */
  readonly landscape: Landscape
}

/** The same with the schemas of one service on both sides. */
export interface ServiceComparison extends Comparison {
  readonly schemas: SchemaComparison
}

export type Rules = Readonly<Record<string, DiffRule>>

/** Adds changes by the ids of one check's own rules. */
export function reporter<R extends Rules>(
  rules: R,
  changes: Changes,
  subject: Subject,
): (id: keyof R & string, change: Change) => void {
  return (id, change) => {
    const rule = rules[id]
    if (rule !== undefined) changes.add(id, rule, subject, change)
  }
}

/** Pairs by key: those on both sides, and those on one. */
export function paired<T>(
  base: readonly T[],
  revision: readonly T[],
  key: (one: T) => string,
): { both: readonly (readonly [T, T])[]; removed: readonly T[]; added: readonly T[] } {
  const before = new Map(base.map((one) => [key(one), one]))
  const after = new Map(revision.map((one) => [key(one), one]))
  return {
    both: [...after].flatMap(([name, one]) => {
      const other = before.get(name)
      return other === undefined ? [] : [[other, one] as const]
    }),
    removed: [...before].filter(([name]) => !after.has(name)).map(([, one]) => one),
    added: [...after].filter(([name]) => !before.has(name)).map(([, one]) => one),
  }
}
