import { relative } from 'node:path'
import { formatFinding } from '../../findings/format-finding.ts'
import type { DiffResult } from '../diff-systems.ts'
import type { DiffFinding, Level } from '../model.ts'
import type { DocumentVerdict } from '../verdict.ts'
import { asFinding } from './as-finding.ts'

/** What the texts of a comparison are made from. */
export interface RenderOptions {
  /** what paths are shown relative to */
  readonly base: string
  /** the text of a file of the revision */
  readonly source: (file: string) => string | undefined
  readonly paint?: (style: 'red' | 'yellow' | 'cyan' | 'green' | 'dim', text: string) => string
}

const colours = { breaking: 'red', warning: 'yellow', minor: 'green', info: 'cyan' } as const

/** For a terminal: what breaks in full, the rest in a line each, then the verdict. */
export function diffReport({ findings, verdict, looked }: DiffResult, options: RenderOptions): string {
  const { paint = (_style, text) => text } = options
  const full = findings.filter(({ level }) => level === 'breaking' || level === 'warning')
  const rest = findings.filter(({ level }) => level === 'minor' || level === 'info')
  const lines = full.flatMap((finding) => [...inFull(finding, options, paint), ''])
  if (rest.length > 0) {
    for (const finding of rest) {
      lines.push(`${paint(colours[finding.level], finding.level.padEnd(7))} ${finding.label}: ${finding.message}`)
    }
    lines.push('')
  }
  const counts = countsOf(findings).map(([level, text]) => paint(colours[level], text))
  const what = (['operation', 'schema', 'guarantee'] as const)
    .map((one) => `${looked[`${one}s`]} ${one}${looked[`${one}s`] === 1 ? '' : 's'}`)
    .join(', ')
  lines.push(`${counts.length === 0 ? paint('green', nothing(looked)) : counts.join(', ')} in ${what}`)
  lines.push(...verdictLines(verdict.documents, options))
  return lines.join('\n')
}

/** A schema may be written in another way, or have one more optional member: that is no finding, and a change. */
export function nothing({ changedSchemas: count }: DiffResult['looked']): string {
  if (count === 0) return 'no changes'
  return `nothing that breaks anybody (${count === 1 ? '1 schema is' : `${count} schemas are`} written differently)`
}

function inFull(finding: DiffFinding, options: RenderOptions, paint: NonNullable<RenderOptions['paint']>): string[] {
  const [first = '', ...rest] = formatFinding(asFinding(finding), {
    source: options.source(finding.file),
    base: options.base,
  }).split('\n')
  return [first.replace(`  ${finding.severity}  `, `  ${paint(colours[finding.level], finding.level)}  `), ...rest]
}

/** `2 breaking, 1 warning`: those there are, the worst first. */
export function countsOf(findings: readonly DiffFinding[]): readonly (readonly [Level, string])[] {
  return (['breaking', 'warning', 'minor', 'info'] as const).flatMap((level) => {
    const count = findings.filter((one) => one.level === level).length
    const plural = level === 'warning' && count !== 1 ? 'warnings' : level
    return count === 0 ? [] : [[level, `${count} ${plural}`] as const]
  })
}

function verdictLines(documents: readonly DocumentVerdict[], { base }: RenderOptions): string[] {
  return documents
    .filter(({ needs }) => needs !== 'none')
    .map((one) => {
      const file = relative(base, one.file)
      const enough =
        one.enough === undefined
          ? `its version (${one.after}) is no semver`
          : one.enough
            ? `${one.before} → ${one.after} is enough`
            : `${one.before} → ${one.after} is not enough: ${one.least} at least`
      return `${file}: a ${one.needs} version; ${enough}`
    })
}
