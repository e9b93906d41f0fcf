import type { Service } from './create-service.ts'
import { stopSignal } from './stop-signal.ts'

/**
 * Closes the service at the first SIGTERM or SIGINT and resolves when it is closed. A second signal, half a second later
 * or more, ends the process at once, with code 1: what is in flight is rolled back by the database.
 */
export async function runUntilSignal(service: Service, options: { deadlineMs?: number } = {}): Promise<void> {
  await stopSignal()
  await service.close(options)
}
