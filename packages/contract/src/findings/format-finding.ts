import { relative } from 'node:path'
import type { Finding } from '../model/finding.ts'

export interface FormatOptions {
  /** text of the finding's file; with it the offending line is shown with a caret */
  readonly source?: string | undefined
  /** that line itself, where the text is too large to be split for each finding */
  readonly line?: string | undefined
  /** what paths are shown relative to; the working directory by default */
  readonly base?: string
}

/**
 * ```text
 * contracts/orders.openapi.yaml:14:13  error  unknown-value  `onOverlap: queue` is not one of reject, wait
 *   14 |   onOverlap: queue
 *      |              ^
 *   did you mean `wait`?
 * ```
 */
export function formatFinding(finding: Finding, options: FormatOptions = {}): string {
  const shown = shownFrom(options.base ?? process.cwd(), finding.file)
  const lines = [
    `${shown}:${finding.line}:${finding.column}  ${finding.severity}  ${finding.id}  ${printable(finding.message)}`,
  ]
  const line = options.line ?? options.source?.split(/\r\n|\n|\r/)[finding.line - 1]
  if (line !== undefined) lines.push(...excerpt(printable(line), finding.line, finding.column))
  for (const detail of finding.details ?? []) lines.push(`  ${printable(detail)}`)
  lines.push(`  ${finding.suggestion}`)
  return lines.join('\n')
}

/** As somebody in the folder would write it; what is far from it is named in full. */
function shownFrom(base: string, file: string): string {
  const near = relative(base, file)
  return near === '' || near.startsWith('../../..') ? file : near
}

/** What a file holds must not steer the terminal it is shown in. Tabs may stay; columns do not change. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (one) => (one === '\t' || one === '\n' ? one : '·'))
}

/** A long line (minified JSON) is cut to a window around the column. */
const WINDOW = 100

function excerpt(line: string, number: number, column: number): string[] {
  const start = line.length <= WINDOW ? 0 : Math.max(0, Math.min(column - 1 - WINDOW / 2, line.length - WINDOW))
  const cut = line.slice(start, start + WINDOW)
  const shown = `${start > 0 ? '…' : ''}${cut}${start + WINDOW < line.length ? '…' : ''}`
  const margin = String(number).length
  // Tabs stay tabs, so that the caret stands under the same column whatever width a terminal gives them.
  const before = shown.slice(0, column - 1 - start + (start > 0 ? 1 : 0)).replaceAll(/[^\t]/g, ' ')
  return [`  ${number} | ${shown}`, `  ${' '.repeat(margin)} | ${before}^`]
}
