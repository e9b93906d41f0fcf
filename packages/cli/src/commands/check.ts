import type { Finding, System } from '@spandrel/contract'
import { CommandError } from '../output/command-error.ts'
import { count } from '../output/table.ts'
import { command } from '../program.ts'
import { findConfig, shown } from '../system/find-config.ts'
import { contractPackage, describeFindings } from '../system/open-system.ts'

export const check = command({
  usage: 'check',
  summary: 'find the faults of spandrel.yaml and all contracts',
  description:
    'Reads spandrel.yaml, what it includes and every contract: structure, references, and the vocabulary of guarantees. ' +
    'Tells all faults at once, each with its place and what to do. Exits 1 for errors and warnings.',
  examples: [
    ['check', 'the nearest spandrel.yaml'],
    ['check --config examples/shop', 'another one'],
    ['check --json', 'for editors and CI'],
  ],
  async run(options, _args, output) {
    const file = await findConfig(options.config)
    output.progress(`reading ${shown(file)}`)
    const { checkSystem, loadSystem } = await contractPackage()
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
    const of = (severity: Finding['severity']): number => findings.filter((one) => one.severity === severity).length
    const [errors, warnings, remarks] = [of('error'), of('warning'), of('info')]
    output.document({ file, checked: looked ?? null, errors, warnings, remarks, findings })
    for (const text of await describeFindings(findings, output)) output.line(`${text}\n`)
    const faults = [
      ...(errors > 0 ? [output.paint('red', count(errors, 'error'))] : []),
      ...(warnings > 0 ? [output.paint('yellow', count(warnings, 'warning'))] : []),
      ...(remarks > 0 ? [count(remarks, 'remark')] : []),
    ]
    const verdict = faults.length > 0 ? faults.join(', ') : output.paint('green', 'no faults')
    output.line(
      looked === undefined ? `${verdict} in ${shown(file)} and its contracts` : `${verdict} in ${inWords(looked)}`,
    )
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
