/**
 * The contract of a service without our code, for the process that carries its messages. Nothing is generated into its
 * folder: the module is written to `.spandrel`, and imports our packages from where they are installed.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { System } from '@spandrel/contract'
import type { ServiceContract } from '@spandrel/runtime/operate'
import { contractPackage } from '../system/open-system.ts'
import { stateFolder } from './state-file.ts'

export function foreignContractFile(system: System, service: string): string {
  return join(stateFolder(system.dir), 'contracts', `${service}.contract.mts`)
}

export async function writeForeignContract(system: System, service: string): Promise<void> {
  const { generateService } = await contractPackage()
  const text = generateService(system, service).replaceAll(
    /from '(@spandrel\/[^']+)'/g,
    (_all, name: string) => `from ${JSON.stringify(import.meta.resolve(name))}`,
  )
  const file = foreignContractFile(system, service)
  await mkdir(dirname(file), { recursive: true })
  const half = `${file}.${process.pid}`
  await writeFile(half, text)
  await rename(half, file)
}

export async function readForeignContract(file: string): Promise<ServiceContract> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  const contract = Object.values(module).find(isContract)
  if (contract === undefined) throw new Error(`${file} exports no contract`)
  return contract
}

function isContract(value: unknown): value is ServiceContract {
  return typeof value === 'object' && value !== null && 'service' in value && 'receives' in value
}
