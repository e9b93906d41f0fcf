/** Findings in the format that was asked for: the same for every command that has any. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Report, ReportFormat } from '@spandrel/contract'
import { Option } from 'commander'
import { version } from '../program.ts'
import { contractPackage } from '../system/open-system.ts'
import { CommandError } from './command-error.ts'
import type { Output } from './output.ts'

export interface FormatOptions {
  format?: ReportFormat
  json?: boolean
}

/** Written out, and compared with the package's list by a test: loading the package for `--help` takes half a second. */
const formats: readonly ReportFormat[] = ['human', 'json', 'sarif', 'github', 'junit']

export function formatOption(): Option {
  return new Option('--format <format>', 'how findings are written').choices(formats)
}

/** The report as it was asked for, on standard output. */
export async function printReport(
  output: Output,
  { format, json }: FormatOptions,
  report: Omit<Report, 'base' | 'source' | 'version' | 'paint'> & Partial<Pick<Report, 'source'>>,
): Promise<void> {
  if (json === true && format !== undefined && format !== 'json') {
    throw new CommandError(`--json and --format ${format} cannot both be`, { fix: 'leave one of them out' })
  }
  const chosen = json === true ? 'json' : (format ?? 'human')
  const { formatReport } = await contractPackage()
  const base = chosen === 'sarif' || chosen === 'github' ? repositoryFolder() : process.cwd()
  const text = formatReport(chosen, { source: readText, ...report, base, version: version(), paint: output.paint })
  if (text !== '') output.text(text)
}

/** What CI services show paths relative to: the folder of the repository this runs in. */
export function repositoryFolder(): string {
  const { GITHUB_WORKSPACE: workspace = '' } = process.env
  const here = process.cwd()
  if (workspace !== '' && `${here}/`.startsWith(`${resolve(workspace)}/`)) return resolve(workspace)
  for (let folder = here; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder
    if (dirname(folder) === folder) return here
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
