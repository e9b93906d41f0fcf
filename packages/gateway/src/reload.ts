import { createHash } from 'node:crypto'
import type { Finding, LoadResult, System } from '@spandrel/contract'
import { SpandrelError } from '@spandrel/runtime'

/** Why contracts were refused. */
export interface ReloadFinding {
  readonly message: string
  /** `file:line:column`, where one place is at fault */
  readonly at?: string
  readonly suggestion?: string
}

/** The contracts that are served, as health tells them. */
export interface ContractsHealth {
  /** a digest of the operations: equal wherever the same ones are served */
  readonly version: string
  /** epoch milliseconds */
  readonly loadedAt: number
  /** service → version of its first contract */
  readonly services: Readonly<Record<string, string>>
  /** that succeeded since the start */
  readonly reloads: number
  /** of the last reload that was refused since these were loaded; null: none was */
  readonly lastFailure: { readonly at: number; readonly findings: readonly ReloadFinding[] } | null
}

/** `loaded` false: nothing has changed, and `findings` say why. */
export type ReloadOutcome =
  | { readonly loaded: true; readonly contracts: ContractsHealth }
  | { readonly loaded: false; readonly findings: readonly ReloadFinding[]; readonly contracts: ContractsHealth }

/** Reads contracts again: `() => loadSystem('spandrel.yaml')`. */
export type LoadContracts = () => Promise<LoadResult>

/** Thrown inside a reload where the loader has found errors. */
export class ContractsRefused extends Error {
  readonly findings: readonly ReloadFinding[]

  constructor(findings: readonly Finding[]) {
    super('the contracts have errors')
    this.findings = findings
      .filter(({ severity }) => severity === 'error')
      .map(({ file, line, column, message, suggestion }) => ({ message, at: `${file}:${line}:${column}`, suggestion }))
  }
}

/** What is told of whatever stopped a reload: findings, a mistake of the configuration, or our own fault. */
export function findingsOf(error: unknown): readonly ReloadFinding[] {
  if (error instanceof ContractsRefused) return error.findings
  const { message } = error as Error
  if (!(error instanceof SpandrelError) || error.hint === undefined) return [{ message }]
  return [{ message, suggestion: error.hint }]
}

/** Ours only: what is external is not served. Where a thing was written, and where it runs, makes no difference. */
export function versionOf({ services }: System): string {
  const served = Object.values(services)
    .filter(({ external }) => !external)
    .map(({ name, operations, schemas }) => [name, operations, schemas])
  const text = JSON.stringify(served, (key, value: unknown) => (key === 'location' ? undefined : value))
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
