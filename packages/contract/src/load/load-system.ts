import { resolve } from 'node:path'
import { Findings } from '../findings/findings.ts'
import type { Finding } from '../model/finding.ts'
import type { System } from '../model/system.ts'
import { Sources } from '../source/sources.ts'
import { buildSystem } from '../system/build-system.ts'
import { deepFreeze } from '../system/freeze.ts'
import { readSystemFiles } from '../system/read-files.ts'
import type { Environment } from '../system/variables.ts'

export interface LoadOptions {
  /** fills `${VAR}`, and overrides keys (`SPANDREL_SERVICES_ORDERS_URL`); `process.env` by default */
  readonly env?: Environment
}

export interface LoadResult {
  /** absent where any finding is an error: half a system is not given out */
  readonly system?: System
  /** by file, line and column */
  readonly findings: readonly Finding[]
}

/**
 * Reads a `spandrel.yaml`, what it includes and every contract it names. Touches files only, never the network.
 * Does not throw for anything a document can contain; a missing file is a finding too.
 */
export async function loadSystem(file: string, options: LoadOptions = {}): Promise<LoadResult> {
  const findings = new Findings()
  const sources = new Sources(findings)
  const env = options.env ?? process.env
  const files = readSystemFiles(resolve(file), env, sources, findings)
  const system = buildSystem(files, env, sources, findings)
  if (system === undefined || findings.hasErrors) return { findings: findings.sorted() }
  return { system: deepFreeze(system), findings: findings.sorted() }
}

/** All findings of a system, for `spandrel check`. */
export async function checkSystem(file: string, options: LoadOptions = {}): Promise<readonly Finding[]> {
  return (await loadSystem(file, options)).findings
}
