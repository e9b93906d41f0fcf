import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatFinding, generateService, loadSystem } from '@spandrel/contract'

const CONFIG = fileURLToPath(new URL('../../spandrel.yaml', import.meta.url))

/**
 * The ledger's contract as a module, for the process that carries its messages. Services without our code get none in
 * their folder; this one is written to where a run keeps its files, and imports our packages from where they are.
 */
export async function writeLedgerContract(directory: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { system, findings } = await loadSystem(CONFIG, { env })
  if (system === undefined) throw new Error(findings.map((finding) => formatFinding(finding)).join('\n'))
  const text = generateService(system, 'ledger').replaceAll(
    /from '(@spandrel\/[^']+)'/g,
    (_all, name: string) => `from ${JSON.stringify(import.meta.resolve(name))}`,
  )
  const file = join(directory, 'ledger.contract.mts')
  await writeFile(file, text)
  return file
}
