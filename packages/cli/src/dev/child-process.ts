/** What our own children of `dev` have in common: a log that dev can read, and an orderly end. */
import { loadSystem, type System } from '@spandrel/contract'
import { type Logger, pino } from 'pino'
import { complaint } from '../output/command-error.ts'

/** Runs a child to its end: `start` gives back how to stop it. Exits 1 when it could not start. */
export async function runChild(
  name: string,
  start: (system: System, logger: Logger) => Promise<() => Promise<void>>,
): Promise<void> {
  const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'info', base: null })
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  try {
    const { system, findings } = await loadSystem(process.argv[2] ?? '')
    if (system === undefined) throw new Error(findings[0]?.message ?? 'the system cannot be read')
    const stop = await start(system, logger)
    await asked
    await stop()
    process.exit(0)
  } catch (error) {
    const { what, fix } = complaint(error)
    logger.fatal({ ...(fix !== undefined && { fix }) }, `the ${name} ended: ${what}`)
    // The log is written when the process has nothing else to do.
    process.exitCode = 1
    setTimeout(() => process.exit(1), 200).unref()
  }
}
