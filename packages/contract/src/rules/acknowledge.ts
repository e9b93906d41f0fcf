import { didYouMean } from '../findings/nearest.ts'
import type { Finding } from '../model/finding.ts'
import type { SourceLocation } from '../model/location.ts'
import type { AcknowledgedFinding, CheckSettings } from '../model/system.ts'
import type { Rule } from './rule.ts'
import { acknowledgementExpired, acknowledgementUnused, unknownRule } from './settings-rules.ts'

/** Marks what is acknowledged, and adds what is wrong with the acknowledgements themselves. */
export function acknowledge(
  findings: readonly Finding[],
  { acknowledged, severities }: CheckSettings,
  today: string,
  known: readonly string[],
): readonly Finding[] {
  const used = new Set<AcknowledgedFinding>()
  const marked = findings.map((finding): Finding => {
    const entry = acknowledged.find((one) => one.rule === finding.id && isAbout(one.subject, finding.subject))
    if (entry === undefined) return finding
    used.add(entry)
    if (entry.until < today) return finding
    const { owner, reason, until } = entry
    return { ...finding, acknowledged: { owner, reason, until } }
  })
  const faults: Finding[] = []
  const add = (rule: Rule, at: SourceLocation, subject: string, message: string, suggestion = rule.fix): void => {
    const { file, line, column } = at
    faults.push({ id: rule.id, severity: rule.severity, file, line, column, message, suggestion, subject })
  }
  for (const entry of acknowledged) {
    const { rule, subject, owner, until, location } = entry
    if (!known.includes(rule)) {
      add(unknownRule, location, subject, `there is no rule \`${rule}\``, didYouMean(rule, known, unknownRule.fix))
    } else if (!used.has(entry)) {
      add(acknowledgementUnused, location, subject, `\`${rule}\` finds nothing about \`${subject}\``)
    } else if (until < today) {
      add(
        acknowledgementExpired,
        location,
        subject,
        `\`${owner}\` acknowledged \`${rule}\` of \`${subject}\` until ${until}`,
      )
    }
  }
  for (const [id, { location }] of Object.entries(severities)) {
    if (known.includes(id)) continue
    // What reading reports has ids too; they are known only once they occur.
    add(unknownRule, location, id, `there is no rule \`${id}\``, didYouMean(id, known, unknownRule.fix))
  }
  return [...marked, ...faults.filter(({ id }) => severities[id]?.severity !== 'off')]
}

/** A subject is itself, a part of it (`orders` of `orders.placeOrder`), or one end of an edge. */
function isAbout(named: string, subject: string | undefined): boolean {
  if (subject === undefined) return false
  return [subject, ...subject.split(' → ')].some((part) => part === named || part.startsWith(`${named}.`))
}
