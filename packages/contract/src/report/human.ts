import { formatFinding } from '../findings/format-finding.ts'
import type { Report } from './report.ts'
import { lineReader } from './line-reader.ts'
import { tally } from './tally.ts'

const colours = { error: 'red', warning: 'yellow', info: 'cyan' } as const

/** Each finding with its line of the document, then the notes, then how many there were and in what. */
export function humanReport(report: Report): string {
  const { findings, base, source, paint = (_style, text) => text, notes = [], looked } = report
  const lineOf = lineReader(findings, source)
  const texts = findings
    .filter((one) => one.acknowledged === undefined)
    .map((finding) => {
      const [first = '', ...rest] = formatFinding(finding, { line: lineOf(finding), base }).split('\n')
      const { severity } = finding
      const coloured = first.replace(`  ${severity}  `, `  ${paint(colours[severity], severity)}  `)
      return [coloured, ...rest, ''].join('\n')
    })
  const { errors, warnings, remarks, acknowledged } = tally(findings)
  const faults = [
    ...(errors > 0 ? [paint('red', count(errors, 'error'))] : []),
    ...(warnings > 0 ? [paint('yellow', count(warnings, 'warning'))] : []),
    ...(remarks > 0 ? [count(remarks, 'remark')] : []),
    ...(acknowledged > 0 ? [`${acknowledged} acknowledged`] : []),
  ]
  const verdict = errors + warnings > 0 ? faults.join(', ') : [paint('green', 'no faults'), ...faults].join(', ')
  return [...texts, ...notes, looked === undefined ? verdict : `${verdict} in ${looked}`].join('\n')
}

function count(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? '' : 's'}`
}
