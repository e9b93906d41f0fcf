import { CommandError } from '../output/command-error.ts'
import { table } from '../output/table.ts'
import { command } from '../program.ts'
import { contractPackage, nearest } from '../system/open-system.ts'

/** What an id of a finding stands for, whichever command shows it. */
interface Explained {
  readonly id: string
  readonly of: 'check' | 'structure' | 'diff' | 'verify'
  readonly severity?: string
  readonly area: string
  readonly formats?: readonly string[]
  readonly law: string
  readonly why?: string
  readonly fix?: string
}

const HEADINGS: Readonly<Record<Explained['of'], string>> = {
  check: 'rules of check',
  structure: 'faults of documents',
  diff: 'changes that diff tells',
  verify: 'checks of verify',
}

export const explain = command({
  usage: 'explain [id]',
  summary: 'what a finding means, why, and what to do',
  description:
    'Explains a rule of check, a kind of change of diff, a check of verify or a fault of a document by its id, as ' +
    'findings show it. Without an id it lists all of them.',
  examples: [
    ['explain retention-covers-redelivery', 'a rule of check'],
    ['explain received-schema-narrowed', 'a kind of change of diff'],
    ['explain simultaneous', 'a check of verify'],
    ['explain', 'all of them'],
    ['explain --json', 'for programs'],
  ],
  async run(_options, [id], output) {
    const all = await everything()
    if (id === undefined) {
      output.document(all)
      for (const [of, members] of Map.groupBy(all, (one) => one.of)) {
        output.line(output.paint('bold', HEADINGS[of]))
        const rows = members.map((one) => [one.id, one.severity ?? one.area, one.law])
        for (const line of table(rows, { indent: 2 })) output.line(line)
        output.line()
      }
      return 0
    }
    const found = all.find((one) => one.id === id)
    if (found === undefined) {
      const ids = all.map((one) => one.id)
      const near = nearest(id, ids) ?? ids.find((one) => one.startsWith(id) || one.endsWith(id))
      throw new CommandError(`there is no rule, change or check ${id}`, {
        fix: near === undefined ? '`spandrel explain` lists all of them' : `did you mean ${near}?`,
      })
    }
    output.document(found)
    const { of, severity, area, formats, law, why, fix } = found
    const reads = formats === undefined ? undefined : `reads ${formats.join(', ')}`
    const facts = [of === 'check' ? undefined : of, severity, area === of ? undefined : area, reads]
    output.line(`${output.paint('bold', id)}\n${facts.filter((one) => one !== undefined).join(' · ')}\n`)
    output.line(sentence(law))
    if (why !== undefined) output.line(`\n${wrapped(why)}`)
    if (fix !== undefined) output.line(`\nfix    ${sentence(fix)}`)
    return 0
  },
})

async function everything(): Promise<readonly Explained[]> {
  const { rules, structureFaults, diffRules } = await contractPackage()
  const { checks, messageChecks } = await import('@spandrel/verify')
  return [
    ...rules.map(({ check: _check, ...rule }): Explained => ({ ...rule, of: 'check' })),
    ...Object.entries(diffRules).map(([id, { level, area, law, why, fix }]): Explained => ({
      id,
      of: 'diff',
      severity: level,
      area,
      law,
      why,
      fix,
    })),
    ...[...checks, ...messageChecks].map(({ id, member, promise }): Explained => ({
      id,
      of: 'verify',
      area: member,
      law: promise,
    })),
    ...Object.entries(structureFaults).map(([id, law]): Explained => ({ id, of: 'structure', area: 'structure', law })),
  ]
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** At most 90 columns, broken between words; paragraphs stay apart. */
function wrapped(text: string): string {
  const paragraphs = text.split('\n\n')
  return paragraphs.map((one) => one.replaceAll(/(.{1,90})(?:\s+|$)/g, '$1\n').trimEnd()).join('\n\n')
}
