import type { System } from '@spandrel/contract'
import type { FoundDatabase } from './database-url.ts'

export interface Migrated {
  /** a service, or `stream` */
  database: string
  applied: readonly string[]
}

/** Brings Spandrel's own schema in these databases up to date. */
export async function migrateDatabases(
  _system: System,
  _databases: { services: readonly FoundDatabase[]; stream?: { url: string; from: string } },
): Promise<Migrated[]> {
  return []
}
