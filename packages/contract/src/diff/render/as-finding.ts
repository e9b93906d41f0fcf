import type { Finding } from '../../model/finding.ts'
import { optional } from '../../model/optional.ts'
import type { Consumer, DiffFinding } from '../model.ts'

/**
 * A change as every report shows it (SARIF, annotations, JUnit): which operation, whose, and whom it breaks and whom
 * not. JSON has the change itself.
 */
export function asFinding(change: DiffFinding): Finding {
  const { id, severity, file, line, column, message, suggestion, label, subject, fingerprint } = change
  return {
    id,
    severity,
    file,
    line,
    column,
    message: `${label}: ${message}`,
    suggestion,
    subject,
    details: detailsOf(change),
    properties: propertiesOf(change),
    fingerprint,
  }
}

function detailsOf({ witness, also, consumers, service, owner, level }: DiffFinding): readonly string[] {
  // Nobody has to be asked about what breaks nobody.
  const fine = level === 'minor' || level === 'info'
  return [
    ...(owner === undefined || fine ? [] : [`owned by     ${owner} (${service})`]),
    ...(witness === undefined ? [] : [`for example  ${cut(witness)}`]),
    ...(also.length === 0 ? [] : [`also         ${listed(also)}`]),
    ...(fine ? [] : consumers.map(consumerText)),
  ]
}

function consumerText({ service, owner, broken, because }: Consumer): string {
  const verb = broken === 'yes' ? 'breaks       ' : broken === 'no' ? 'does not break' : 'may break    '
  return `${verb} ${service}${owner === undefined ? '' : ` (${owner})`}: ${because}`
}

function propertiesOf(change: DiffFinding): Readonly<Record<string, unknown>> {
  const { level, bump, service, owner, subject, label, place, direction, before, after, witness } = change
  return {
    level,
    bump,
    service,
    ...optional('owner', owner),
    operation: subject,
    label,
    place,
    ...optional('direction', direction),
    ...optional('before', before),
    ...optional('after', after),
    ...optional('witness', witness),
    also: change.also,
    consumers: change.consumers,
  }
}

function cut(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}

function listed(all: readonly string[]): string {
  return all.length <= 3 ? all.join(', ') : `${all.slice(0, 3).join(', ')} and ${all.length - 3} more`
}
