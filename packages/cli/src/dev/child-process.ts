/** What our own children of `dev` have in common: a log that dev can read, and an orderly end. */
import type { Logger } from 'pino'
import { serveLog } from '../serve/serve-log.ts'
import { complaint } from '../output/command-error.ts'

/** Runs a child to its end: `start` gives back how to stop it. Exits 1 when it could not start. */
export async function runChild(name: string, start: (logger: Logger) => Promise<() => Promise<void>>): Promise<void> {
  const logger = serveLog()
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  try {
    const stop = await start(logger)
    await asked
    await stop()
    process.exit(0)
  } catch (error) {
    const { what, fix } = complaint(error)
    logger.fatal({ ...(fix !== undefined && { fix }) }, `the ${name} ended: ${what}`)
    process.exit(1)
  }
}
