/**
 * Carries the messages of a service without our code, in `dev`, as `spandrel serve relay push` does in production:
 * node sidecar-process.ts <spandrel.yaml> <service>. Its addresses and databases stand in the environment.
 */
import { Carrier } from '../serve/carrier.ts'
import { foreignContract } from '../serve/foreign-contract.ts'
import { pushHeaders } from '../system/foreign.ts'
import { openSystem } from '../system/open-system.ts'
import { runChild } from './child-process.ts'

const [, , file = '', name = ''] = process.argv

await runChild('sidecar', async (logger) => {
  const system = await openSystem(file)
  const contract = await foreignContract(system, name)
  const url = system.services[name]?.events?.value
  if (Object.keys(contract.receives).length > 0 && url === undefined)
    logger.warn({}, `${name} receives messages, and spandrel.yaml does not say where: add \`events\``)
  const carrier = new Carrier({
    contract,
    database: process.env['DATABASE_URL'] ?? '',
    transport: process.env['SPANDREL_TRANSPORT_URL'] ?? '',
    relay: Object.keys(contract.sends).length > 0,
    ...(url !== undefined &&
      Object.keys(contract.receives).length > 0 && { push: { url, headers: pushHeaders(name, process.env) } }),
    logger,
  })
  await carrier.start()
  return () => carrier.stop(5000)
})
