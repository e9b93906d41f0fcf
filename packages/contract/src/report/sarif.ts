import { createHash } from 'node:crypto'
import { relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Finding } from '../model/finding.ts'
import { lineReader } from './line-reader.ts'
import type { Report } from './report.ts'

/** SARIF 2.1.0 (OASIS), as GitHub code scanning and editors read it. */
const levels = { error: 'error', warning: 'warning', info: 'note' } as const

export function sarifReport({ findings, rules, base, command, version, source }: Report): string {
  const known = rules.map(({ id, severity, area, law, fix }) => ({
    id,
    shortDescription: { text: law },
    help: { text: fix },
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: [area] },
  }))
  // A result names its rule by index; what is found by no rule of the table gets an entry of its own.
  const others = [...new Set(findings.map(({ id }) => id))].filter((id) => !rules.some((rule) => rule.id === id))
  const all = [...known, ...others.map((id) => ({ id, shortDescription: { text: id.replaceAll('-', ' ') } }))]
  const indexes = new Map(all.map(({ id }, index) => [id, index]))
  const lineOf = lineReader(findings, source)
  const run = {
    tool: { driver: { name: 'spandrel', version, rules: all } },
    automationDetails: { id: `spandrel/${command}/` },
    columnKind: 'utf16CodeUnits',
    originalUriBaseIds: { SRCROOT: { uri: `${pathToFileURL(base).href}/` } },
    results: findings.map((finding) => resultOf(finding, indexes.get(finding.id) ?? 0, base, lineOf(finding))),
  }
  const document = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] }
  return JSON.stringify(document, null, 2)
}

function resultOf(finding: Finding, ruleIndex: number, base: string, text: string | undefined): unknown {
  const { id, severity, file, line, column, message, details = [], suggestion, acknowledged } = finding
  const path = relative(base, file)
  return {
    ruleId: id,
    ruleIndex,
    level: levels[severity],
    message: { text: [message, ...details, suggestion].join('\n') },
    locations: [
      {
        physicalLocation: {
          artifactLocation: path.startsWith('..')
            ? { uri: pathToFileURL(file).href }
            : { uri: encodeURI(path.split(sep).join('/')), uriBaseId: 'SRCROOT' },
          region: {
            startLine: line,
            startColumn: column,
            ...(text === undefined || text.length > 1000 ? {} : { snippet: { text } }),
          },
        },
        ...(finding.subject === undefined
          ? {}
          : { logicalLocations: [{ fullyQualifiedName: finding.subject, kind: 'member' }] }),
      },
    ],
    // Without the line: a finding is the same one after something was written above it.
    partialFingerprints: {
      'spandrelFinding/v1': finding.fingerprint ?? hash(id, path, finding.subject ?? '', message),
    },
    ...(finding.properties === undefined ? {} : { properties: finding.properties }),
    ...(acknowledged === undefined
      ? {}
      : {
          suppressions: [
            {
              kind: 'external',
              status: 'accepted',
              justification: `${acknowledged.owner}, until ${acknowledged.until}: ${acknowledged.reason}`,
            },
          ],
        }),
  }
}

function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)
}
