import { CommandError } from '../output/command-error.ts'
import type { Paint } from '../output/output.ts'
import { count, table } from '../output/table.ts'
import { command } from '../program.ts'
import { shown } from '../system/find-config.ts'
import { contractPackage, openSystem } from '../system/open-system.ts'

export const impact = command({
  usage: 'impact <ref>',
  summary: 'who depends on a service, an operation or a message',
  description:
    'Reads spandrel.yaml and the contracts, and tells who relies on what you name: by calls, by messages, and by ' +
    'promises that refer to it. Nothing has to have changed; `diff` tells what a change does to them.',
  examples: [
    ['impact orders', 'everything that a service offers'],
    ['impact payments.quotePrice', 'one operation'],
    ['impact orderPlaced', 'a message, whichever service sends it'],
    ['impact shop.orders', 'a channel'],
    ['impact orders --json', 'for programs'],
  ],
  async run(options, [ref = ''], output) {
    const system = await openSystem(options.config)
    const { impactOf } = await contractPackage()
    const found = impactOf(ref, system)
    if (found.subjects === undefined) {
      throw new CommandError(`nothing in ${system.name} is called ${ref}`, {
        where: shown(system.file),
        fix: found.hint,
      })
    }
    output.document(found)
    const { subjects, dependents, behind, mentions, looked } = found
    const { paint } = output
    for (const { kind, ref: name, owner } of subjects) {
      output.line(`${paint('bold', name)}  ${kind}${owner === undefined ? '' : ` of ${owner}`}`)
    }
    output.line()
    for (const line of table(
      dependents.map((one) => row(one, paint)),
      { indent: 2 },
    ))
      output.line(line)
    if (dependents.length === 0) output.line('  nobody is known to depend on it')
    if (behind.length > 0) {
      output.line('\nbehind them, waiting when they wait:')
      for (const { service, owner, path } of behind) {
        output.line(`  ${service}${ownerText(owner)}  ${path.join(' → ')}`)
      }
    }
    if (mentions.length > 0) {
      output.line('\nnamed in promises:')
      for (const { by, member, ref: name, owner } of mentions) {
        output.line(`  ${by}${ownerText(owner)}  ${member}: ${name}`)
      }
    }
    const services = new Set(dependents.map(({ service }) => service)).size
    output.line(
      `\n${count(services, 'service depends', 'services depend')} on ${ref}, of ${count(looked.services, 'service')} and ${count(looked.integrations, 'integration')}`,
    )
    return 0
  },
})

function row(
  one: {
    service: string
    owner?: string
    relation: string
    ref: string
    style: string
    through?: string
    reason?: string
  },
  paint: Paint,
): string[] {
  const why = one.reason ?? (one.through === undefined ? '' : `in ${one.through}`)
  return [one.service, one.owner ?? '', `${one.relation} ${one.ref}`, one.style, paint('dim', why)]
}

function ownerText(owner: string | undefined): string {
  return owner === undefined ? '' : ` (${owner})`
}
