/** `dev`'s gateway: node gateway-process.ts <spandrel.yaml> <port>. Where services are stands in the environment. */
import { createGateway } from '@spandrel/gateway'
import { openSystem } from '../system/open-system.ts'
import { runChild } from './child-process.ts'

await runChild('gateway', async (logger) => {
  const system = await openSystem(process.argv[2])
  const gateway = createGateway({ system, logger })
  const { url } = await gateway.listen({ port: Number(process.argv[3] ?? 0) })
  logger.info({ url }, 'listening')
  return () => gateway.close({ deadlineMs: 5000 })
})
