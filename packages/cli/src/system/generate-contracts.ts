import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Service, StaleFile, System } from '@spandrel/contract'
import { contractPackage } from './open-system.ts'

export interface Generated {
  /** every contract file of the system, absolute */
  files: readonly string[]
  /** those that were not as they should be: written now, or only told with `check` */
  stale: readonly StaleFile[]
}

/**
 * Writes the contract files that differ; with `check` only tells which would be written. `js`: JavaScript and its
 * declarations. A service that has them, and no TypeScript, keeps them without being asked: `dev` does not ask.
 */
export async function generateContracts(system: System, options: { check: boolean; js?: boolean }): Promise<Generated> {
  const { checkGenerated, generatedPath, generateSystem } = await contractPackage()
  const isJavaScript = (service: Service): boolean => {
    const file = generatedPath(service)
    return options.js === true || (!existsSync(file) && existsSync(file.replace(/\.ts$/, '.js')))
  }
  const generated = generateSystem(system, { javascript: isJavaScript })
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
