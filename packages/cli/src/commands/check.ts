import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import type { LoadResult, System } from '@spandrel/contract'
import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import { formatOption, printReport } from '../output/print-report.ts'
import type { FormatOptions } from '../output/print-report.ts'
import { ownersInFull, ownersInShort } from '../output/message-owners.ts'
import { count } from '../output/table.ts'
import { type CommonOptions, command } from '../program.ts'
import { shown } from '../system/find-config.ts'
import { namedDocuments } from '../system/named-documents.ts'
import { contractPackage } from '../system/open-system.ts'

interface CheckOptions extends CommonOptions, FormatOptions {
  owners?: boolean
}

export const check = command<CheckOptions>({
  usage: 'check [documents...]',
  summary: 'find the faults of spandrel.yaml and all contracts',
  description:
    'Reads spandrel.yaml, what it includes and every contract: structure, references, the vocabulary of guarantees, and ' +
    'whether all promises can be true together. Documents may also be named alone; then no spandrel.yaml is needed. ' +
    'Exits 1 for errors and warnings.',
  options: [
    formatOption(),
    new Option('--owners', 'a line for each message: the owners that a new field would involve'),
  ],
  examples: [
    ['check', 'the nearest spandrel.yaml'],
    ['check --config examples/shop', 'another one'],
    ['check api/orders.openapi.yaml', 'a document alone'],
    ['check api', 'all documents in a folder'],
    ['check --json', 'for programs'],
    ['check --format sarif', 'for code scanning and editors'],
    ['check --format github', 'annotations in GitHub Actions'],
    ['check --format junit', 'for whatever shows test results'],
  ],
  async run(options, paths, output) {
    const { checkDocuments, checkSystem, messageOwners, rules, tally } = await contractPackage()
    const { file, documents = [] } = await namedDocuments(paths, options.config)
    for (const document of documents) mustExist(document)
    const where = file === undefined ? documents.map(shown).join(', ') : shown(file)
    output.progress(`reading ${where}`)
    keepYoungGenerationSmall()
    // Of the system only what is shown is kept: a large one is as large again as its report.
    const { looked, findings, owners } = await (async () => {
      const result = await (file === undefined ? checkDocuments(documents) : checkSystem(file))
      const { system } = result
      return {
        looked: somethingWasChecked(result, where),
        findings: result.findings,
        owners: system === undefined ? [] : messageOwners(system),
      }
    })()
    await printReport(output, options, {
      command: 'check',
      findings,
      rules: looked === undefined ? [] : rules,
      looked: looked === undefined ? (file === undefined ? where : `${where} and its contracts`) : inWords(looked),
      // Of documents alone nobody knows who else sends or receives.
      notes: options.owners === true ? ownersInFull(owners) : file === undefined ? [] : ownersInShort(owners),
      facts: {
        ...(file === undefined ? { documents } : { file }),
        checked: looked ?? null,
        rules: looked === undefined ? 0 : rules.length,
        messages: owners,
      },
    })
    const { errors, warnings } = tally(findings)
    return errors + warnings > 0 ? 1 : 0
  },
})

/**
 * Nearly all that this command allocates lives until it ends: a document of 12 MB takes 380 MB with a small young
 * generation and 490 MB with the default, and as long.
 */
function keepYoungGenerationSmall(): void {
  for (const flag of ['--semi-space-growth-factor=1', '--max-semi-space-size=2']) setFlagsFromString(flag)
}

/** A path that leads nowhere is a mistake of the command, not of a contract. */
function mustExist(path: string): void {
  if (existsSync(path)) return
  throw new CommandError(`there is no ${path}`, {
    where: resolve(path),
    fix: 'name a contract, or the folder that holds some',
  })
}

/** What was looked at; undefined where errors kept the system from being read. Throws where there was nothing. */
function somethingWasChecked({ system, findings }: LoadResult, where: string): LookedAt | undefined {
  if (system === undefined) return undefined
  const looked = lookedAt(system)
  if (
    looked.operations + looked.messages + (looked.workflows ?? 0) > 0 ||
    findings.some((one) => one.severity === 'error')
  )
    return looked
  throw new CommandError('nothing was checked: there is no operation and no message in this system', {
    where,
    fix: 'give its services contracts: `contracts: [contracts/orders.openapi.yaml]`',
  })
}

interface LookedAt {
  services: number
  documents: number
  operations: number
  messages: number
  guarantees: number
  /** only where there is an Arazzo document */
  workflows?: number
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
  const workflows = total(({ documents }) => documents.reduce((sum, one) => sum + (one.workflows ?? 0), 0))
  return {
    services: services.length,
    documents: total((service) => service.documents.length),
    operations: total((service) => operations(service).length),
    messages: total((service) => Object.keys(service.messages).length),
    guarantees: total((service) =>
      operations(service).reduce((sum, one) => sum + Object.keys(one.guarantees.declared).length, 0),
    ),
    ...(workflows > 0 ? { workflows } : {}),
  }
}

function inWords(looked: LookedAt): string {
  const { services, documents, operations, messages, guarantees, workflows } = looked
  const described = workflows === undefined ? '' : `, ${count(workflows, 'workflow')}`
  return `${count(services, 'service')}, ${count(documents, 'contract')}: ${count(operations, 'operation')}, ${count(messages, 'message')}, ${count(guarantees, 'guarantee')}${described}`
}
