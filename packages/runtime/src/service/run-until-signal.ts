import type { Service } from './create-service.ts'

/**
 * Closes the service at the first SIGTERM or SIGINT and resolves when it is closed. A second signal ends the process at
 * once, with code 1: what is in flight is rolled back by the database.
 */
export async function runUntilSignal(service: Service, options: { deadlineMs?: number } = {}): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1))
  await service.close(options)
}
