import type { Finding, Severity } from '../model/finding.ts'
import { githubReport } from './github.ts'
import { humanReport } from './human.ts'
import { jsonReport } from './json.ts'
import { junitReport } from './junit.ts'
import { sarifReport } from './sarif.ts'

export const reportFormats = ['human', 'json', 'sarif', 'github', 'junit'] as const

export type ReportFormat = (typeof reportFormats)[number]

/** What a report says of a rule besides its findings. */
export interface ReportRule {
  readonly id: string
  /** its default */
  readonly severity: Severity
  /** `idempotency`, `schema`, … */
  readonly area: string
  /** one sentence: what must hold */
  readonly law: string
  /** what to do where it does not */
  readonly fix: string
}

/** The findings of one run, whatever found them (`check`, `diff`, `verify`). */
export interface Report {
  /** `check`; what made them */
  readonly command: string
  /** of spandrel */
  readonly version: string
  readonly findings: readonly Finding[]
  /** every rule that was applied; ids of findings need not be among them */
  readonly rules: readonly ReportRule[]
  /** absolute path of the folder that paths are shown relative to: the repository, or the working directory */
  readonly base: string
  /** text of a file, for the lines shown; undefined where it cannot be read */
  readonly source: (file: string) => string | undefined
  /** colours: `human` only; none by default */
  readonly paint?: (style: 'red' | 'yellow' | 'cyan' | 'green' | 'dim', text: string) => string
  /** the last line, in words: `2 services, 3 contracts: 3 operations`. `human` only */
  readonly looked?: string
  /** lines between the findings and the last one. `human` only */
  readonly notes?: readonly string[]
  /** members of the JSON document that only this command has */
  readonly facts?: Readonly<Record<string, unknown>>
}

const writers: Readonly<Record<ReportFormat, (report: Report) => string>> = {
  human: humanReport,
  json: jsonReport,
  sarif: sarifReport,
  github: githubReport,
  junit: junitReport,
}

/** The report as text that ends without a line break. */
export function formatReport(format: ReportFormat, report: Report): string {
  return writers[format](report)
}
