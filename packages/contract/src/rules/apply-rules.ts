import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Finding, Severity } from '../model/finding.ts'
import type { CheckSettings, System } from '../model/system.ts'
import { acknowledge } from './acknowledge.ts'
import { nameOf, receivesOf, touchedFiles } from './operations.ts'
import type { Rule, RuleContext, Violation } from './rule.ts'
import { rules } from './table.ts'

/**
 * Applies every rule of the table to a system, with the severities and acknowledgements of its spandrel.yaml. `before`
 * are the findings of reading it: they have severities and acknowledgements too.
 */
export function applyRules(context: RuleContext, before: readonly Finding[]): readonly Finding[] {
  const touched = touchedFiles(context.system)
  const found = rules.flatMap((rule) => {
    const violations = [...(rule.check?.(context) ?? [])]
    return summed(violations, touched).map((violation) => findingOf(rule, violation))
  })
  const { check = { severities: {}, acknowledged: [] } } = context.system
  const read = [...before, ...missingTransforms(context)].filter(
    ({ id }) => id !== 'never-sent' || !isAlone(context.system),
  )
  const weighed = [...summedStructure(read, touched), ...found].flatMap((finding) => withSeverity(finding, check))
  return acknowledge(weighed, check, context.today, [...rules.map(({ id }) => id), ...before.map(({ id }) => id)])
}

function findingOf(rule: Rule, { at, subject, message, fix, severity }: Violation): Finding {
  const { file, line, column } = at
  return {
    id: rule.id,
    severity: severity ?? rule.severity,
    file,
    line,
    column,
    message,
    suggestion: fix ?? rule.fix,
    subject,
  }
}

/** Absences of an untouched document become one remark, at the first of them. */
function summed(violations: readonly Violation[], touched: ReadonlySet<string>): readonly Violation[] {
  const isSummed = ({ absence, at }: Violation): boolean => absence === true && !touched.has(at.file)
  const files = Map.groupBy(violations.filter(isSummed), ({ at }) => at.file)
  const remarks = [...files.values()].flatMap(([first, ...others]): Violation[] => {
    if (first === undefined) return []
    const more = others.length === 0 ? '' : ` (and ${others.length} more in this document)`
    return [{ ...first, message: `${first.message}${more}`, severity: 'info' }]
  })
  return [...violations.filter((one) => !isSummed(one)), ...remarks]
}

/** What reading reports once for each operation, and an author who has not begun need not hear so often. */
const repeated = new Set(['missing-operation-id', 'ignored-parameter', 'schema-format'])

/** One service without a spandrel.yaml: who sends to it is in other documents, and nobody can know. */
function isAlone({ file, services }: System): boolean {
  const [only, ...others] = Object.values(services)
  return others.length === 0 && only?.documents.some((document) => document.file === file) === true
}

function summedStructure(findings: readonly Finding[], touched: ReadonlySet<string>): readonly Finding[] {
  const isSummed = ({ id, file }: Finding): boolean => repeated.has(id) && !touched.has(file)
  const groups = Map.groupBy(findings.filter(isSummed), ({ id, file }) => `${id} ${file}`)
  const remarks = [...groups.values()].flatMap(([first, ...others]): Finding[] => {
    if (first === undefined) return []
    const more = others.length === 0 ? '' : ` (and ${others.length} more in this document)`
    return [{ ...first, severity: 'info', message: `${first.message}${more}` }]
  })
  return [...findings.filter((one) => !isSummed(one)), ...remarks]
}

function withSeverity(finding: Finding, { severities }: CheckSettings): readonly Finding[] {
  const wanted: Severity | 'off' | undefined = severities[finding.id]?.severity
  if (wanted === undefined) return [finding]
  return wanted === 'off' ? [] : [{ ...finding, severity: wanted }]
}

/** A transform takes a message out of `consumer-is-satisfied`: where there is none, nobody would look at it. */
function missingTransforms({ system, node }: RuleContext): readonly Finding[] {
  return receivesOf(system).flatMap((receive): Finding[] => {
    const written = receive.integration?.transform?.with
    const { file, pointer } = receive.location
    const places = [dirname(file), system.services[receive.service]?.dir ?? '']
    if (written === undefined || places.some((place) => existsSync(resolve(place, written)))) return []
    const at = node(file, `${pointer}/x-integration/transform/with`)?.at ?? receive.location
    return [
      {
        id: 'missing-file',
        severity: 'error',
        file: at.file,
        line: at.line,
        column: at.column,
        message: `no such file: \`${written}\`, which is to transform what \`${nameOf(receive)}\` hears`,
        suggestion: 'write it relative to the contract or to its spandrel.yaml, or remove `transform`',
        subject: nameOf(receive),
      },
    ]
  })
}
