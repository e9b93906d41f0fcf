import { readFile } from 'node:fs/promises'
import type { Finding, System } from '@spandrel/contract'
import { CommandError } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import { count } from '../output/table.ts'
import { findConfig, shown } from './find-config.ts'

/** The documents have errors: they are the result of the command, and it could not run. */
export class BrokenSystem extends CommandError {
  readonly findings: readonly Finding[]

  constructor(file: string, findings: readonly Finding[], what = 'cannot be used') {
    const errors = findings.filter((finding) => finding.severity === 'error').length
    super(`${shown(file)} ${what}: ${count(errors, 'error')} in its documents`, {
      where: shown(file),
      fix: 'correct them; `spandrel check` shows all of them',
    })
    this.findings = findings
  }
}

/** Loaded where it is needed: half a second that `--help` and a misspelt option do without. */
export function contractPackage(): Promise<typeof import('@spandrel/contract')> {
  return import('@spandrel/contract')
}

/** Loads the system a command works on; throws `BrokenSystem` where a document has errors. */
export async function openSystem(config: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<System> {
  const file = await findConfig(config)
  const { loadSystem } = await contractPackage()
  const { system, findings } = await loadSystem(file, { env })
  if (system === undefined) throw new BrokenSystem(file, findings)
  return system
}

/** Findings as a person reads them, each with its line of the document. */
export async function describeFindings(findings: readonly Finding[], output: Output): Promise<string[]> {
  const { formatFinding } = await contractPackage()
  const sources = new Map<string, string | undefined>()
  const texts: string[] = []
  for (const finding of findings) {
    if (!sources.has(finding.file)) {
      sources.set(finding.file, await readFile(finding.file, 'utf8').catch(() => undefined))
    }
    const text = formatFinding(finding, { source: sources.get(finding.file) })
    const [first = '', ...rest] = text.split('\n')
    const colour = finding.severity === 'error' ? 'red' : finding.severity === 'warning' ? 'yellow' : 'cyan'
    texts.push(
      [first.replace(`  ${finding.severity}  `, `  ${output.paint(colour, finding.severity)}  `), ...rest].join('\n'),
    )
  }
  return texts
}

/** The services a user named, or all; a name that does not exist is refused with the nearest one. */
export function chooseServices(system: System, named: readonly string[] | undefined, option: string): string[] {
  const all = Object.keys(system.services)
  if (named === undefined || named.length === 0) return all
  for (const name of named) {
    if (all.includes(name)) continue
    const near = nearest(name, all)
    throw new CommandError(`${system.name} has no service ${name}`, {
      where: `${option}, ${shown(system.file)}`,
      fix:
        near === undefined
          ? `its services are ${all.join(', ')}`
          : `did you mean ${near}? Its services are ${all.join(', ')}`,
    })
  }
  return [...new Set(named)]
}

/** The candidate that is a slip of the finger away, if any. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3))
  const ranked = candidates
    .map((candidate) => [distance(word, candidate), candidate] as const)
    .sort(([a], [b]) => a - b)
  const [best] = ranked
  return best !== undefined && best[0] <= limit ? best[1] : undefined
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next[j] = Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
    }
    row = next
  }
  return row[b.length] ?? 0
}
