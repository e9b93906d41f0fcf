import { relative } from 'node:path'
import type { DiffResult } from '../diff-systems.ts'
import type { Consumer, DiffFinding } from '../model.ts'
import type { DocumentVerdict } from '../verdict.ts'
import type { RenderOptions } from './human.ts'
import { countsOf, nothing } from './human.ts'

/** A comment may have 65 536 characters; what is not shown is counted. */
const MOST_IN_FULL = 20
const MOST_IN_TABLE = 100

/**
 * A comment for a pull request: first whether it can be merged, then what breaks whom and the instance that shows it,
 * then everything else, folded. Begins with a marker by which a bot finds its own comment again.
 */
export function diffMarkdown({ findings, verdict, looked }: DiffResult, options: RenderOptions): string {
  const breaking = findings.filter(({ level }) => level === 'breaking')
  const warnings = findings.filter(({ level }) => level === 'warning')
  const rest = findings.filter(({ level }) => level === 'minor' || level === 'info')
  const blocks = [
    '<!-- spandrel diff -->',
    headline(findings, looked),
    people(findings),
    ...shown(breaking, 'Breaking', options),
    ...shown(warnings, 'May break', options),
    rest.length === 0 ? '' : folded(`Other changes (${rest.length})`, list(rest, options)),
    versions(verdict.documents, options),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function headline(findings: readonly DiffFinding[], looked: DiffResult['looked']): string {
  if (findings.length === 0) return `### Contracts: ${nothing(looked)}`
  const counts = countsOf(findings).map(([, text]) => text)
  const breaks = findings.some(({ level }) => level === 'breaking')
  return `### Contracts: ${breaks ? '' : 'nothing breaks · '}${counts.join(' · ')}`
}

/** Who has to be asked before this is merged. */
function people(findings: readonly DiffFinding[]): string {
  const affected = new Map<string, { owner: string | undefined; broken: boolean }>()
  const spared = new Map<string, string | undefined>()
  for (const { consumers, level } of findings) {
    if (level !== 'breaking' && level !== 'warning') continue
    for (const { service, owner, broken } of consumers) {
      if (broken === 'no') spared.set(service, owner)
      else
        affected.set(service, {
          owner,
          broken: affected.get(service)?.broken === true || (broken === 'yes' && level === 'breaking'),
        })
    }
  }
  const name = (service: string, owner: string | undefined): string =>
    `**${service}**${owner === undefined ? '' : ` (${owner})`}`
  const those = (all: readonly string[]): string => all.join(', ')
  const broken = [...affected].filter(([, one]) => one.broken).map(([service, { owner }]) => name(service, owner))
  const perhaps = [...affected].filter(([, one]) => !one.broken).map(([service, { owner }]) => name(service, owner))
  const fine = [...spared].filter(([service]) => !affected.has(service)).map(([service, owner]) => name(service, owner))
  return [
    ...(broken.length > 0 ? [`Breaks ${those(broken)}.`] : []),
    ...(perhaps.length > 0 ? [`May break ${those(perhaps)}.`] : []),
    ...(fine.length > 0 ? [`Does not break ${those(fine)}.`] : []),
  ].join(' ')
}

function shown(findings: readonly DiffFinding[], title: string, options: RenderOptions): string[] {
  if (findings.length === 0) return []
  const texts = findings.slice(0, MOST_IN_FULL).map((one) => inFull(one, options))
  const more = findings.length - texts.length
  const left = findings.slice(MOST_IN_FULL)
  return [`#### ${title}`, ...texts, ...(more > 0 ? [folded(`${more} more`, list(left, options))] : [])]
}

function inFull(finding: DiffFinding, options: RenderOptions): string {
  const { label, message, witness, also, consumers, suggestion, id, owner } = finding
  const whose = owner === undefined ? '' : ` · ${owner}`
  const lines = [`**\`${label}\`** ${sentence(message)} <sub>\`${id}\` · ${place(finding, options)}${whose}</sub>`]
  if (witness !== undefined) {
    const what =
      finding.direction === 'received' ? 'Was accepted, and is refused now' : 'May be sent now, and was ruled out'
    lines.push(`- ${what}: \`${cut(witness)}\``)
  }
  if (also.length > 0)
    lines.push(`- Also: ${also.slice(0, 5).join(', ')}${also.length > 5 ? ` and ${also.length - 5} more` : ''}`)
  for (const consumer of consumers) lines.push(`- ${consumerLine(consumer)}`)
  lines.push(`- Instead: ${suggestion}`)
  return lines.join('\n')
}

function consumerLine({ service, owner, broken, because }: Consumer): string {
  const verb = broken === 'yes' ? 'Breaks' : broken === 'no' ? 'Does not break' : 'May break'
  return `${verb} **${service}**${owner === undefined ? '' : ` (${owner})`}: ${because}`
}

function list(findings: readonly DiffFinding[], options: RenderOptions): string {
  const lines = findings
    .slice(0, MOST_IN_TABLE)
    .map((one) => `- \`${one.label}\` ${sentence(one.message)} <sub>\`${one.id}\` · ${place(one, options)}</sub>`)
  const more = findings.length - lines.length
  return [...lines, ...(more > 0 ? [`- … and ${more} more`] : [])].join('\n')
}

function versions(documents: readonly DocumentVerdict[], { base }: RenderOptions): string {
  const rows = documents
    .filter(({ needs }) => needs !== 'none')
    .map(({ file, needs, before, after, enough, least }) => {
      const verdict = enough === undefined ? 'no semver' : enough ? 'enough' : `**${least} at least**`
      return `| ${relative(base, file)} | ${needs} | ${before} → ${after} | ${verdict} |`
    })
  if (rows.length === 0) return ''
  return ['| contract | needs | version | |', '|---|---|---|---|', ...rows].join('\n')
}

function folded(title: string, text: string): string {
  return `<details><summary>${title}</summary>\n\n${text}\n\n</details>`
}

function place({ file, line }: DiffFinding, { base }: RenderOptions): string {
  return `${relative(base, file)}:${line}`
}

function sentence(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

function cut(text: string): string {
  const shown = text.length > 160 ? `${text.slice(0, 159)}…` : text
  return shown.replaceAll('`', '´')
}
