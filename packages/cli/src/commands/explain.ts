import type { Rule } from '@spandrel/contract'
import { CommandError } from '../output/command-error.ts'
import { table } from '../output/table.ts'
import { command } from '../program.ts'
import { contractPackage, nearest } from '../system/open-system.ts'

export const explain = command({
  usage: 'explain [rule]',
  summary: 'what a rule demands, why, and what to do',
  description: 'Explains a rule by its id, as findings show it. Without an id it lists all rules.',
  examples: [
    ['explain retention-covers-redelivery', 'one rule'],
    ['explain', 'all rules'],
    ['explain --json', 'for programs'],
  ],
  async run(_options, [id], output) {
    const { rules, structureFaults } = await contractPackage()
    if (id === undefined) {
      output.document(rules.map(plainRule))
      for (const [area, members] of Map.groupBy(rules, (rule) => rule.area)) {
        output.line(output.paint('bold', area))
        for (const line of table(
          members.map((rule) => [rule.id, rule.severity, rule.law]),
          { indent: 2 },
        ))
          output.line(line)
        output.line()
      }
      return 0
    }
    const rule = rules.find((one) => one.id === id)
    if (rule !== undefined) {
      output.document(plainRule(rule))
      const facts = `${rule.severity} · ${rule.area} · reads ${rule.formats.join(', ')}`
      output.line(`${output.paint('bold', rule.id)}\n${facts}\n\n${sentence(rule.law)}\n`)
      output.line(`${wrapped(rule.why)}\n\nfix    ${sentence(rule.fix)}`)
      return 0
    }
    const fault = structureFaults[id]
    if (fault !== undefined) {
      output.document({ id, area: 'structure', law: fault })
      output.line(`${output.paint('bold', id)}\nstructure\n\n${sentence(fault)}`)
      return 0
    }
    const near = nearest(id, [...rules.map((one) => one.id), ...Object.keys(structureFaults)])
    throw new CommandError(`there is no rule ${id}`, {
      fix: near === undefined ? '`spandrel explain` lists all of them' : `did you mean ${near}?`,
    })
  },
})

function plainRule({ check: _check, ...rule }: Rule): Omit<Rule, 'check'> {
  return rule
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** At most 90 columns, broken between words. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,90})(?:\s+|$)/g, '$1\n').trimEnd()
}
