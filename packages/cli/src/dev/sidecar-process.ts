/**
 * Carries the messages of a service without our code, in `dev`: node sidecar-process.ts <spandrel.yaml> <service>.
 * Its relay moves what `spandrel.publish` wrote; its push delivers what it subscribes to as HTTP POSTs.
 */
import { runChild } from './child-process.ts'

await runChild('sidecar', async (_system, logger) => {
  logger.info('waiting for the relay and push')
  const timer = setInterval(() => {}, 1000)
  return async () => clearInterval(timer)
})
