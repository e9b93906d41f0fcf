/** `dev`'s gateway: node gateway-process.ts <spandrel.yaml> <port>. Where services are stands in the environment. */
import { createGateway, openDatabase } from '@spandrel/gateway'
import { openSystem } from '../system/open-system.ts'
import { runChild } from './child-process.ts'

await runChild('gateway', async (logger) => {
  const system = await openSystem(process.argv[2])
  const place = process.env['GATEWAY_DATABASE_URL']
  const keys = place === undefined ? undefined : openDatabase(place)
  const gateway = createGateway({ system, logger, ...(keys !== undefined && { database: keys.database }) })
  const { url } = await gateway.listen({ port: Number(process.argv[3] ?? 0) })
  logger.info({ url }, 'listening')
  return async () => {
    await gateway.close({ deadlineMs: 5000 })
    await keys?.close()
  }
})
