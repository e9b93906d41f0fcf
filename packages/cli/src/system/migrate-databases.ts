import { gatewayKeepsKeys, type System } from '@spandrel/contract'
import { migrateGateway, type MigrationReport, migrateService, migrateStream } from '@spandrel/runtime/operate'
import { connected } from './connect.ts'
import type { FoundDatabase } from './database-url.ts'
import { hasTables, serviceRegistration, streamRegistration } from './registrations.ts'

export interface Migrated extends MigrationReport {
  /** a service, `stream`, or `gateway` */
  database: string
}

export interface MigrationTargets {
  services: readonly FoundDatabase[]
  stream?: FoundDatabase | undefined
  /** of its key records; left alone where it keeps none */
  gateway?: FoundDatabase | undefined
}

/**
 * Brings Spandrel's own schema in these databases up to date, one after the other: the stream last, so that a
 * subscription exists there only once its service can receive.
 */
export async function migrateDatabases(
  system: System,
  targets: MigrationTargets,
  options: { done?: (migrated: Migrated) => void } = {},
): Promise<Migrated[]> {
  const reports: Migrated[] = []
  const note = (report: Migrated): void => {
    reports.push(report)
    options.done?.(report)
  }
  for (const target of targets.services) {
    const service = system.services[target.service]
    if (service === undefined || !hasTables(service)) continue
    const report = await connected(target, (database) => migrateService(database, serviceRegistration(system, service)))
    note({ database: target.service, ...report })
  }
  if (targets.stream !== undefined) {
    const report = await connected(targets.stream, (database) => migrateStream(database, streamRegistration(system)))
    note({ database: 'stream', ...report })
  }
  if (targets.gateway !== undefined && gatewayKeepsKeys(system)) {
    note({ database: 'gateway', ...(await connected(targets.gateway, migrateGateway)) })
  }
  return reports
}
