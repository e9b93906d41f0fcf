import { dirname, join, relative, sep } from 'node:path'
import type { Service } from '../../model/system.ts'
import { ownerOf } from '../../rules/operations.ts'
import { couplingOf } from '../coupling.ts'
import type { Edge } from '../edges.ts'
import type { Scoring } from '../question.ts'
import { promisesOf } from './guarantees-in-words.ts'
import { whatHappensWhen } from './what-happens-when.ts'

/** A page about one integration. */
export interface Sheet {
  /** absolute path */
  readonly file: string
  readonly text: string
}

/** Whose first line it is was written by us, and may be written again or removed. */
export const sheetMark = '<!-- Written by `spandrel scorecard --sheets`. Change the contracts, and write it again. -->'

/**
 * A sheet for each integration and a page that lists them. The same contracts give the same text: no dates, no line
 * numbers, nothing of any run.
 */
export function sheetsOf(scoring: Scoring, folder: string): readonly Sheet[] {
  const names = new Map<Edge, string>()
  for (const edge of scoring.edges) names.set(edge, fileName(edge.name, new Set(names.values())))
  const sheets = scoring.edges.map((edge) => {
    const file = join(folder, names.get(edge) ?? '')
    return { file, text: sheetText(edge, scoring, file) }
  })
  const rows = scoring.edges.map(
    (edge) =>
      `| [${cell(edge.name)}](${encodeURI(names.get(edge) ?? '')}) | ${edge.style} | ${cell(ownerText(edge.consumer))} | ${cell(ownerText(edge.provider))} |`,
  )
  const index = [
    sheetMark,
    '',
    `# The integrations of ${cell(scoring.system.name)}`,
    '',
    '| integration | style | its consumer belongs to | its provider belongs to |',
    '|---|---|---|---|',
    ...rows,
  ]
  return [{ file: join(folder, 'README.md'), text: `${index.join('\n')}\n` }, ...sheets]
}

function sheetText(edge: Edge, scoring: Scoring, file: string): string {
  const { system } = scoring
  const { style, reason, until } = edge
  const usual = system.defaults.style
  const process = (edge.kind === 'call' ? [edge.operation] : [edge.receive, edge.send]).find(
    (one) => one?.integration?.process !== undefined,
  )?.integration?.process
  const workflow = process === undefined ? undefined : system.workflows[process]
  const link = (target: string): string => {
    const path = relative(dirname(file), target).split(sep).join('/')
    return `[${cell(path.split('/').slice(-1).join(''))}](${encodeURI(path)})`
  }
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['what', whatText(edge)],
    ['style', usual === undefined || usual === style ? style : `${style}, where the system's default is ${usual}`],
    ['reason', reason ?? (usual !== undefined && usual !== style ? 'not given' : undefined)],
    ['until', until],
    ['consumer', ownedBy(edge.consumer, edge.kind === 'call' ? 'whoever calls it' : 'whoever subscribes')],
    ['provider', ownedBy(edge.provider, 'whoever sends it')],
    [
      'process',
      process === undefined
        ? undefined
        : workflow === undefined
          ? process
          : `${process} (${workflow.coordination}), ${workflow.owner}`,
    ],
  ]
  const sides = edge.kind === 'call' ? [edge.operation] : [edge.send, edge.receive].filter((one) => one !== undefined)
  const promises = sides.flatMap((operation) =>
    promisesOf(operation).map(
      ({ member, text, at }) =>
        `| ${cell(`${operation.service}.${operation.operation}`)} | ${member} | ${cell(text)} | ${link(at.file)} |`,
    ),
  )
  const lines = [
    sheetMark,
    '',
    `# ${cell(edge.name)}`,
    '',
    '| | |',
    '|---|---|',
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`| ${name} | ${cell(value)} |`])),
    '',
    '## Guarantees',
    '',
    ...(promises.length === 0
      ? ['Nothing is promised.']
      : ['| who | guarantee | | where |', '|---|---|---|---|', ...promises]),
    '',
    '## What happens when …',
    '',
    '| … | |',
    '|---|---|',
    ...whatHappensWhen(edge, system).map(({ when, comes }) => `| ${cell(when)} | ${cell(comes)} |`),
    '',
    '## Coupling',
    '',
    '| | | |',
    '|---|---|---|',
    ...couplingOf(edge, scoring).map(
      ({ dimension, level, because }) => `| ${dimension} | ${level} | ${cell(because)} |`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

function whatText(edge: Edge): string {
  const told = edge.kind === 'call' ? edge.operation.summary : (edge.sent?.summary ?? edge.received?.summary)
  const what =
    edge.kind === 'call'
      ? `${edge.operation.method} ${edge.operation.path}`
      : `${(edge.sent ?? edge.received)?.message ?? ''} on ${edge.channel}`
  return told === undefined ? what : `${what}: ${told}`
}

function ownedBy(service: Service | undefined, otherwise: string): string {
  if (service === undefined) return otherwise
  const owner = ownerText(service)
  return `${service.name}, ${owner === service.name && service.external ? 'another company' : owner}`
}

function ownerText(service: Service | undefined): string {
  if (service === undefined) return ''
  return ownerOf(service) ?? (service.external ? 'another company' : 'nobody')
}

/** `orders → payments.quotePrice` → `orders-payments.quotePrice.md`. */
function fileName(name: string, taken: ReadonlySet<string>): string {
  const plain = name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^-+|-+$/g, '')
  let file = `${plain}.md`
  // File systems that take no account of case have to hold both.
  const lower = new Set([...taken].map((one) => one.toLowerCase()))
  for (let n = 2; lower.has(file.toLowerCase()) || file.toLowerCase() === 'readme.md'; n++) file = `${plain}-${n}.md`
  return file
}

/** What people wrote, as text of one cell. */
function cell(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
