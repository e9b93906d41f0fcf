import type { Finding } from '../model/finding.ts'

export interface Tally {
  readonly errors: number
  readonly warnings: number
  readonly remarks: number
  /** not in the three before */
  readonly acknowledged: number
}

/** How many findings count as what. An acknowledged one is no error any more, whatever its severity. */
export function tally(findings: readonly Finding[]): Tally {
  const open = findings.filter((one) => one.acknowledged === undefined)
  const of = (severity: Finding['severity']): number => open.filter((one) => one.severity === severity).length
  return {
    errors: of('error'),
    warnings: of('warning'),
    remarks: of('info'),
    acknowledged: findings.length - open.length,
  }
}
