import { formatFinding } from '../findings/format-finding.ts'
import type { Finding } from '../model/finding.ts'
import { lineReader } from './line-reader.ts'
import type { Report } from './report.ts'

/**
 * A test case a rule, in the order of the table: passed where nothing was found, failed for errors and warnings,
 * skipped where all of its findings are acknowledged. What no rule of the table found (structure) is a case by its id.
 */
export function junitReport(report: Report): string {
  const { findings, rules, command } = report
  const areas = new Map(rules.map(({ id, area }) => [id, area]))
  const ids = [...new Set([...rules.map(({ id }) => id), ...findings.map(({ id }) => id)])]
  const cases = ids.map((id) => {
    const own = findings.filter((one) => one.id === id)
    const open = own.filter((one) => one.acknowledged === undefined)
    const failing = open.filter((one) => one.severity !== 'info')
    return { id, area: areas.get(id) ?? 'structure', own, open, failing }
  })
  const failures = cases.filter(({ failing }) => failing.length > 0).length
  const skipped = cases.filter(({ own, open }) => own.length > 0 && open.length === 0).length
  const totals = `tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}"`
  const body = cases.map((one) => {
    const start = `    <testcase classname="spandrel.${escaped(command)}.${escaped(one.area)}" name="${escaped(one.id)}"`
    const inside = content(one, report)
    return inside === '' ? `${start}/>` : `${start}>\n${inside}\n    </testcase>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="spandrel ${escaped(command)}" ${totals}>`,
    `  <testsuite name="spandrel ${escaped(command)}" ${totals}>`,
    ...body,
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')
}

interface Case {
  readonly id: string
  readonly own: readonly Finding[]
  readonly open: readonly Finding[]
  readonly failing: readonly Finding[]
}

function content({ own, open, failing }: Case, report: Report): string {
  const [first] = failing
  if (first !== undefined) {
    const more = failing.length > 1 ? ` (and ${failing.length - 1} more)` : ''
    const message = escaped(first.message + more)
    return `      <failure type="${first.severity}" message="${message}">${texts(failing, report)}</failure>`
  }
  if (open.length > 0) return `      <system-out>${texts(open, report)}</system-out>`
  const known = own[0]?.acknowledged
  if (known === undefined) return ''
  return `      <skipped message="${escaped(`${known.owner}, until ${known.until}: ${known.reason}`)}"/>`
}

function texts(findings: readonly Finding[], { base, source }: Report): string {
  const lineOf = lineReader(findings, source)
  return escaped(findings.map((one) => formatFinding(one, { base, line: lineOf(one) })).join('\n\n'))
}

/** XML 1.0 has no place for most control characters, not even escaped. */
function escaped(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
