/** The page and the scripts of `verify`: that they can be written is found out before the run, not after it. */
import { existsSync, mkdirSync, mkdtempSync, openSync, closeSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { CheckVerdict, HistoryRecord, VerifyReport } from '@spandrel/verify'
import { CommandError } from '../output/command-error.ts'
import type { VerifyCommandOptions } from './verify-options.ts'

type Verify = typeof import('@spandrel/verify')
type Evidence = Pick<VerifyCommandOptions, 'html' | 'scripts'>

/** Makes the folder of the scripts. Throws `CommandError` where the page or a script could not be written. */
export function evidenceCanBeWritten({ html, scripts }: Evidence): void {
  if (html !== undefined) {
    tried(() => probeFile(html), 'the page cannot be written', {
      where: '--html',
      fix: 'name a file in a folder that is there and can be written',
    })
  }
  if (scripts !== undefined) {
    tried(() => probeFolder(scripts), 'the scripts cannot be written', {
      where: '--scripts',
      fix: 'name a folder that is there and can be written, or a new one in such a folder',
    })
  }
}

/** Comes last: what cannot be written must not hide what was found. */
export async function writeEvidence(
  package_: Verify,
  report: VerifyReport,
  records: readonly HistoryRecord[],
  { html, scripts }: Evidence,
): Promise<void> {
  if (html !== undefined) await written('--html', html, package_.htmlReport(report, records))
  if (scripts === undefined) return
  const names = new Set<string>()
  for (const check of report.results.flatMap(({ checks }) => checks)) {
    const script = check.verdict === 'FAIL' ? scriptOf(package_, records, check) : undefined
    if (script === undefined) continue
    const name = fileName(check.finding, names)
    names.add(name)
    await written('--scripts', join(scripts, name), script, 0o755)
  }
}

async function written(where: string, file: string, text: string, mode = 0o666): Promise<void> {
  try {
    await writeFile(file, text, { mode })
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${(error as Error).message}`, {
      where,
      fix: 'what was found stands above; with --history FILE, --judge FILE writes it again',
      cause: error,
    })
  }
}

function scriptOf(package_: Verify, records: readonly HistoryRecord[], check: CheckVerdict): string | undefined {
  const [first] = check.counterexamples
  return first === undefined ? undefined : package_.curlScript(records, check, first)
}

/** An operationId may be anything (`orders/place`); two of them never share a file. */
function fileName(finding: string, taken: ReadonlySet<string>): string {
  const plain = finding.replaceAll(/[\s/\\:*?"<>|\p{Cc}]+/gu, '-').slice(-200)
  for (let count = 1; ; count++) {
    const name = count === 1 ? `${plain}.sh` : `${plain}-${count}.sh`
    if (!taken.has(name)) return name
  }
}

/** Leaves what is there as it is, and nothing where nothing was. */
function probeFile(file: string): void {
  if (!existsSync(file)) {
    closeSync(openSync(file, 'wx'))
    unlinkSync(file)
    return
  }
  // What is neither (/dev/stdout) is only written to.
  const found = statSync(file)
  if (found.isFile() || found.isDirectory()) closeSync(openSync(file, 'r+'))
}

/** One by one: `recursive` never comes back where nothing can be made, as in /proc. */
function probeFolder(folder: string): void {
  const missing: string[] = []
  for (let at = resolve(folder); !existsSync(at); at = dirname(at)) missing.unshift(at)
  for (const one of missing) mkdirSync(one)
  rmdirSync(mkdtempSync(join(folder, '.spandrel-')))
}

function tried(work: () => void, what: string, { where, fix }: { where: string; fix: string }): void {
  try {
    work()
  } catch (error) {
    throw new CommandError(`${what}: ${(error as Error).message}`, { where, fix, cause: error })
  }
}
