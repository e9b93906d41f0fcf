/** The report for people: one line a guarantee, counterexamples and what is missing below. */
import type { CheckVerdict, GuaranteeVerdict, VerifyReport } from '../judge/verdict.ts'
import { said } from './said.ts'

type Mark = 'good' | 'bad' | 'unsure' | 'dim'
export type Colour = (mark: Mark, text: string) => string

export function reportLines(report: VerifyReport, colour: Colour): string[] {
  const lines: string[] = []
  const width = Math.max(...report.results.map(({ ref, member }) => ref.length + member.length + 2), 20)
  // Where the first plain call failed, nothing else was tried: why not is one line, and what is missing is no matter yet.
  const stuck = new Set(report.results.filter(isStuck).map(({ ref }) => ref))
  let before: string | undefined
  for (const result of report.results) {
    const name = `${result.ref}  ${result.member}`.padEnd(width)
    lines.push(`${verdictText(result.verdict, colour)}  ${name}  ${summary(result)}`.trimEnd())
    const reason = oneReason(result)
    if (reason !== undefined && reason === before) continue
    before = reason
    if (reason !== undefined) lines.push(`    ${reason}`)
    else lines.push(...bounds(result, colour), ...result.checks.flatMap((check) => detail(check, colour)))
  }
  const missing = report.results.flatMap(({ untested }) => untested).filter(({ ref }) => !stuck.has(ref))
  if (missing.length > 0) {
    lines.push('', 'Not tested')
    for (const { ref, check, why } of unique(missing))
      lines.push(`  ${check === '*' ? ref : `${ref}/${check}`}  ${colour('dim', why)}`)
  }
  const left = report.cleanup.filter(({ cleaned, markers }) => cleaned < markers).filter(({ ref }) => !stuck.has(ref))
  if (left.length > 0) lines.push('', 'Left behind')
  for (const { ref, cleaned, why } of left)
    lines.push(
      `  ${ref}  ${colour('dim', `what was made for this test${cleaned > 0 ? ', in part' : ''}: ${why ?? ''}`)}`,
    )
  if (report.stopped !== undefined) lines.push('', colour('bad', report.stopped))
  const { declared, tested, passed } = report.guarantees
  lines.push('', `${declared} guarantees declared, ${tested} tested, ${passed} passed`)
  return lines
}

/** Nothing was tried of it, for one reason: a plain call failed, or its probe did not show it. */
function isStuck(result: GuaranteeVerdict): boolean {
  return oneReason(result) !== undefined && result.checks.every(({ trials }) => trials === 0)
}

/** Where nothing could be told for one reason, it is said once. */
function oneReason({ checks }: GuaranteeVerdict): string | undefined {
  const reasons = new Set(checks.flatMap(({ verdict, notes }) => (verdict === 'INCONCLUSIVE' ? notes : [''])))
  return reasons.size === 1 && checks.length > 1 ? [...reasons][0] || undefined : undefined
}

function summary({ checks, verdict }: GuaranteeVerdict): string {
  if (verdict === 'NOT TESTED') return ''
  const proved = checks.reduce((sum, { confirmed }) => sum + confirmed, 0)
  const passed = checks.filter((check) => check.verdict === 'PASS').length
  return `${passed} of ${checks.length} checks, ${proved} trials`
}

/** How rare a fault may be that nobody saw: of each check that passed. */
function bounds({ checks }: GuaranteeVerdict, colour: Colour): string[] {
  return checks
    .filter(({ verdict }) => verdict === 'PASS')
    .map(({ check, notes }) => `    ${colour('dim', `${check}  ${notes.join('; ')}`)}`)
}

function detail(check: CheckVerdict, colour: Colour): string[] {
  if (check.verdict === 'PASS') return []
  const head = `  ${verdictText(check.verdict, colour)}  ${check.check}: ${check.promise}`
  const [first] = check.counterexamples
  if (first === undefined) return [head, ...check.notes.map((note) => `    ${note}`)]
  const more = check.counterexamples.length > 1 ? ` (one of ${check.counterexamples.length} cases)` : ''
  return [head, `    ${said(first)}${more}`, `    ${colour('dim', `again: --repeat ${check.finding}`)}`]
}

function verdictText(verdict: GuaranteeVerdict['verdict'], colour: Colour): string {
  const mark: Mark =
    verdict === 'PASS' ? 'good' : verdict === 'FAIL' ? 'bad' : verdict === 'NOT TESTED' ? 'dim' : 'unsure'
  return colour(mark, verdict.padEnd(12))
}

function unique<T extends object>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}
