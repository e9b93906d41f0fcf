import type { QueryResult } from './database.ts'

type Answer = Record<string, unknown>[] & { command?: string; count?: number | null }

/** What postgres.js answers, as other drivers do. */
export function resultOf(answered: unknown): QueryResult {
  const answer = answered as Answer
  // Several statements in one text are answered with an array of results.
  const result = answer.command === undefined ? (answer.at(-1) as unknown as Answer) : answer
  return { rows: asWeNamedThem(result), rowCount: result.count ?? null, command: result.command ?? '' }
}

const renamed = /[A-Z-]/

/**
 * A `sql` may rename the columns of every answer, ours too: `postgres.camel`, `postgres.pascal`, `postgres.kebab`; and
 * nothing in an answer tells the names they had. Ours are of lower-case words with underscores, so they are told from
 * the renamed ones: deadAt, DeadAt and dead-at are dead_at.
 */
function asWeNamedThem(rows: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const [first] = rows
  if (first === undefined || !Object.keys(first).some((name) => renamed.test(name))) return [...rows]
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [original(name), value])))
}

function original(name: string): string {
  return name.replaceAll(/[A-Z]|-/g, (sign, at: number) => (at === 0 ? '' : '_') + sign.replace('-', '').toLowerCase())
}
