import type { System } from '@spandrel/contract'
import { CommandError } from '../output/command-error.ts'
import { count } from '../output/table.ts'
import { formatOption, printReport } from '../output/print-report.ts'
import type { FormatOptions } from '../output/print-report.ts'
import { type CommonOptions, command } from '../program.ts'
import { findConfig, shown } from '../system/find-config.ts'
import { contractPackage } from '../system/open-system.ts'

export const check = command<CommonOptions & FormatOptions>({
  usage: 'check',
  summary: 'find the faults of spandrel.yaml and all contracts',
  description:
    'Reads spandrel.yaml, what it includes and every contract: structure, references, and the vocabulary of guarantees. ' +
    'Tells all faults at once, each with its place and what to do. Exits 1 for errors and warnings.',
  options: [formatOption()],
  examples: [
    ['check', 'the nearest spandrel.yaml'],
    ['check --config examples/shop', 'another one'],
    ['check --json', 'for programs'],
    ['check --format sarif', 'for code scanning and editors'],
    ['check --format github', 'annotations in GitHub Actions'],
    ['check --format junit', 'for whatever shows test results'],
  ],
  async run(options, _args, output) {
    const file = await findConfig(options.config)
    output.progress(`reading ${shown(file)}`)
    const { checkSystem, loadSystem, tally } = await contractPackage()
    const [{ system }, findings] = await Promise.all([loadSystem(file), checkSystem(file)])
    const looked = system === undefined ? undefined : lookedAt(system)
    if (
      looked !== undefined &&
      looked.operations + looked.messages === 0 &&
      findings.every((one) => one.severity !== 'error')
    ) {
      throw new CommandError('nothing was checked: there is no operation and no message in this system', {
        where: shown(file),
        fix: 'give its services contracts: `contracts: [contracts/orders.openapi.yaml]`',
      })
    }
    const { errors, warnings } = tally(findings)
    await printReport(output, options, {
      command: 'check',
      findings,
      rules: [],
      looked: looked === undefined ? `${shown(file)} and its contracts` : inWords(looked),
      facts: { file, checked: looked ?? null },
    })
    return errors + warnings > 0 ? 1 : 0
  },
})

interface LookedAt {
  services: number
  documents: number
  operations: number
  messages: number
  guarantees: number
}

function lookedAt(system: System): LookedAt {
  const services = Object.values(system.services)
  const total = (size: (service: (typeof services)[number]) => number): number =>
    services.reduce((sum, service) => sum + size(service), 0)
  const operations = (service: (typeof services)[number]) => [
    ...Object.values(service.operations),
    ...service.webhooks,
    ...Object.values(service.sends),
    ...Object.values(service.receives),
  ]
  return {
    services: services.length,
    documents: total((service) => service.documents.length),
    operations: total((service) => operations(service).length),
    messages: total((service) => Object.keys(service.messages).length),
    guarantees: total((service) =>
      operations(service).reduce((sum, one) => sum + Object.keys(one.guarantees.declared).length, 0),
    ),
  }
}

function inWords(looked: LookedAt): string {
  const { services, documents, operations, messages, guarantees } = looked
  return `${count(services, 'service')}, ${count(documents, 'contract')}: ${count(operations, 'operation')}, ${count(messages, 'message')}, ${count(guarantees, 'guarantee')}`
}
