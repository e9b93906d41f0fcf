/**
 * The contract of a service without our code, for the process that carries its messages. Nothing is written: the module
 * is loaded from memory, and imports our packages from where they are installed.
 */
import type { System } from '@spandrel/contract'
import type { ServiceContract } from '@spandrel/runtime/operate'
import { contractPackage } from '../system/open-system.ts'

export async function foreignContract(system: System, service: string): Promise<ServiceContract> {
  const { generateServiceJavaScript } = await contractPackage()
  const text = generateServiceJavaScript(system, service).replaceAll(
    /from '(@spandrel\/[^']+)'/g,
    (_all, name: string) => `from ${JSON.stringify(import.meta.resolve(name))}`,
  )
  const module = (await import(`data:text/javascript;charset=utf-8,${encodeURIComponent(text)}`)) as object
  const contract = Object.values(module).find(isContract)
  if (contract === undefined) throw new Error(`the generated module of ${service} exports no contract`)
  return contract
}

function isContract(value: unknown): value is ServiceContract {
  return typeof value === 'object' && value !== null && 'service' in value && 'receives' in value
}
