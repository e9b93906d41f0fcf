import type { System } from '@spandrel/contract'

/** Writes the generated contracts of a system, or (`check`) only tells which of them are out of date. */
export async function generateContracts(
  _system: System,
  _options: { check: boolean },
): Promise<{ written: string[]; unchanged: string[] }> {
  return { written: [], unchanged: [] }
}
