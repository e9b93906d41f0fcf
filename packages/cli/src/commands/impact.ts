import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import type { Paint } from '../output/output.ts'
import { count, table } from '../output/table.ts'
import { command, type CommonOptions } from '../program.ts'
import { shown } from '../system/find-config.ts'
import { contractPackage, openSystem } from '../system/open-system.ts'
import { showDown } from '../impact/show-down.ts'

export const impact = command<CommonOptions & { down?: boolean }>({
  usage: 'impact <ref>',
  summary: 'who depends on a service, an operation or a message',
  description:
    'Reads spandrel.yaml and the contracts, and tells who relies on what you name: by calls, by messages, and by ' +
    'promises that refer to it. Nothing has to have changed; `diff` tells what a change does to them. With `--down` it ' +
    'tells what becomes of every operation while the service does not run.',
  options: [new Option('--down', 'which operations fail, degrade or only wait while the service is down')],
  examples: [
    ['impact orders', 'everything that a service offers'],
    ['impact payments.quotePrice', 'one operation'],
    ['impact orderPlaced', 'a message, whichever service sends it'],
    ['impact shop.orders', 'a channel'],
    ['impact payments --down', 'what happens while payments does not run'],
    ['impact orders --json', 'for programs'],
  ],
  async run(options, [ref = ''], output) {
    const system = await openSystem(options.config)
    const { impactOf, impactOfDown } = await contractPackage()
    if (options.down === true) {
      const told = impactOfDown(ref, system)
      if (told.effects === undefined) {
        throw new CommandError(`no service of ${system.name} is called ${ref}`, {
          where: shown(system.file),
          fix: told.hint,
        })
      }
      output.document(told)
      showDown(told, output)
      return 0
    }
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
