import type { Counterexample } from '../judge/verdict.ts'

/** What was done and what was seen, as one sentence; some sightings begin with what was done. */
export function said({ about, what }: Pick<Counterexample, 'about' | 'what'>): string {
  return what.startsWith(about) ? what : `${about}: ${what}`
}
