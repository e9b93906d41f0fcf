import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { StaleFile, System } from '@spandrel/contract'
import { contractPackage } from './open-system.ts'

export interface Generated {
  /** every contract file of the system, absolute */
  files: readonly string[]
  /** those that were not as they should be: written now, or only told with `check` */
  stale: readonly StaleFile[]
}

/** Writes the contract files that differ; with `check` only tells which would be written. */
export async function generateContracts(system: System, options: { check: boolean }): Promise<Generated> {
  const { checkGenerated, generateSystem } = await contractPackage()
  const generated = generateSystem(system)
  const stale = await checkGenerated(generated)
  if (!options.check) {
    for (const { file } of stale) {
      const text = generated.find((one) => one.file === file)?.text ?? ''
      await mkdir(dirname(file), { recursive: true })
      // A service that starts at this moment reads the old file or the new one, never half of it.
      const half = `${file}.${process.pid}.tmp`
      await writeFile(half, text)
      await rename(half, file)
    }
  }
  return { files: generated.map(({ file }) => file), stale }
}
