import type { Report } from './report.ts'
import { tally } from './tally.ts'

/** One document: the command's own facts, how many findings of each kind, the findings as they are. */
export function jsonReport({ findings, facts }: Report): string {
  return JSON.stringify({ ...facts, ...tally(findings), findings }, null, 2)
}
