import type { System } from '@spandrel/contract'
import { contractPackage } from './open-system.ts'

/** Whether the gateway keeps key records for one of these services. */
export async function gatewayKeepsKeysOf(system: System, chosen: readonly string[]): Promise<boolean> {
  const { gatewayKeepsKeys } = await contractPackage()
  const services = Object.fromEntries(Object.entries(system.services).filter(([name]) => chosen.includes(name)))
  return gatewayKeepsKeys({ ...system, services })
}
