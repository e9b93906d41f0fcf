import { dirname } from 'node:path'
import type { Finding, Policy, Side, System } from '@spandrel/contract'
import { Option } from 'commander'
import { findSides, type Place } from '../diff/sides.ts'
import { CommandError } from '../output/command-error.ts'
import { printReport, repositoryFolder } from '../output/print-report.ts'
import { count } from '../output/table.ts'
import type { Output } from '../output/output.ts'
import { type CommonOptions, command } from '../program.ts'
import { findConfig, shown } from '../system/find-config.ts'
import { BrokenSystem, contractPackage } from '../system/open-system.ts'

interface DiffFlags extends CommonOptions {
  format?: 'human' | 'json' | 'markdown' | 'sarif' | 'github' | 'junit'
  policy?: Policy
  checkVersion?: boolean
  failOn?: 'breaking' | 'warning' | 'never'
}

export const diff = command<DiffFlags>({
  usage: 'diff <base> [revision]',
  summary: 'what changed between two versions of your contracts, and whom it breaks',
  description:
    'Compares two files, folders or git revisions: OpenAPI, AsyncAPI, guarantees and spandrel.yaml. Without a second ' +
    'one, the working tree. Tells what breaks whom, with an instance that shows it, and which version that asks for. ' +
    'Exits 1 where something breaks.',
  options: [
    new Option('--format <format>', 'how the result is written').choices([
      'human',
      'json',
      'markdown',
      'sarif',
      'github',
      'junit',
    ]),
    new Option('--policy <policy>', 'how readers treat what nobody declared (default: tolerant)').choices([
      'tolerant',
      'strict',
    ]),
    new Option('--check-version', 'fail where `info.version` did not move far enough'),
    new Option('--fail-on <level>', 'what ends it with 1 (default: breaking)').choices([
      'breaking',
      'warning',
      'never',
    ]),
  ],
  examples: [
    ['diff main', 'the working tree against a branch'],
    ['diff HEAD~1 HEAD', 'two revisions'],
    ['diff old.yaml new.yaml', 'two documents'],
    ['diff main:api.yaml api.yaml', 'a document against itself on main'],
    ['diff main --check-version', 'and whether the versions moved far enough'],
    ['diff main --format markdown', 'a comment for a pull request'],
  ],
  async run(options, [base = '', revision], output) {
    const sides = await findSides(base, revision, options.config)
    for (const { note } of sides) if (note !== undefined) output.note(note)
    output.progress(`comparing ${sides[0].written} and ${sides[1].written}`)
    const { asFinding, diffMarkdown, diffReport, diffSystems, reportRules } = await contractPackage()
    const known = await knownSystem(sides, options.config)
    const [before, after] = await Promise.all(named(sides, known).map(load))
    if (before === undefined || after === undefined) return 2
    believable(sides, [before, after], output)
    const result = diffSystems(before, after, {
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      ...(known === undefined ? {} : { system: known }),
    })
    const { findings, verdict, looked } = result
    if (looked.operations === 0 && Object.keys(before.system.services).length === 0) {
      throw new CommandError('nothing was compared: neither side has an operation', { fix: 'name the contracts' })
    }
    const late = options.checkVersion === true ? verdict.documents.filter(({ enough }) => enough === false) : []
    const format = options.json === true ? 'json' : (options.format ?? 'human')
    if (format === 'human' || format === 'markdown') {
      const render = {
        base: format === 'human' ? process.cwd() : repositoryFolder(),
        source: after.text,
        paint: output.paint,
      }
      output.text(format === 'human' ? diffReport(result, render) : diffMarkdown(result, render))
    } else {
      await printReport(
        output,
        { ...options, format },
        {
          command: 'diff',
          findings: format === 'json' ? findings : findings.map(asFinding),
          rules: reportRules(),
          source: after.text,
          facts: { verdict, looked },
        },
      )
    }
    const failOn = options.failOn ?? 'breaking'
    const fails = findings.some(
      ({ level }) => (failOn !== 'never' && level === 'breaking') || (failOn === 'warning' && level === 'warning'),
    )
    return fails || late.length > 0 ? 1 : 0
  },
})

async function load({ files, input, written }: Place): Promise<Side> {
  const { loadSide } = await contractPackage()
  const side = loadSide(input, { files, env: process.env })
  if (side.system !== undefined) return side
  throw unreadable(written, side.findings)
}

/**
 * A revision with faults that make it say something else than was meant is not compared. Where the base has them and
 * the revision has none, the change mends them: that must not be in its way.
 */
function believable([base, revision]: readonly [Place, Place], [before, after]: readonly Side[], output: Output): void {
  if (after !== undefined && after.untrue.length > 0)
    throw new BrokenSystem(revision.written, after.untrue, 'cannot be compared')
  const [first] = before?.untrue ?? []
  if (before === undefined || first === undefined) return
  const all = before.untrue.length
  const where = `${shown(first.file)}:${first.line}`
  output.note(
    `${base.written} has ${count(all, 'fault')} that the revision mends (${where}: ${first.message}); what ${all === 1 ? 'it hid' : 'they hid'} is not compared`,
  )
}

function unreadable(written: string, findings: readonly Finding[]): CommandError {
  const [first] = findings
  const more = findings.length > 1 ? ` (and ${count(findings.length - 1, 'more fault')})` : ''
  return new CommandError(`${written} cannot be read: ${first?.message ?? 'it is empty'}${more}`, {
    ...(first === undefined ? {} : { where: `${shown(first.file)}:${first.line}:${first.column}` }),
    fix: first?.suggestion,
  })
}

/** The system that knows the documents to be compared, for the names of their consumers. */
async function knownSystem(sides: readonly [Place, Place], config: string | undefined): Promise<System | undefined> {
  if (sides.some(({ input }) => 'system' in input)) return undefined
  const files = sides.flatMap(({ input }) => ('documents' in input ? input.documents.map(({ file }) => file) : []))
  const { loadSide } = await contractPackage()
  const folders = config === undefined ? [process.cwd(), ...files.map((file) => dirname(file))] : [config]
  for (const folder of new Set(folders)) {
    const path = await (config === undefined
      ? findConfig(undefined, folder).catch(() => undefined)
      : findConfig(config))
    const side = path === undefined ? undefined : loadSide({ system: path }, { env: process.env })
    if (side?.system === undefined) continue
    const services = Object.values(side.system.services)
    if (services.some(({ documents }) => documents.some(({ file }) => files.includes(file)))) return side.system
  }
  return undefined
}

/** A document that a system knows goes by the name of its service, on both sides. */
function named(sides: readonly [Place, Place], system: System | undefined): readonly Place[] {
  if (system === undefined) return sides
  const owners = new Map(
    Object.values(system.services).flatMap(({ name, documents }) => documents.map(({ file }) => [file, name] as const)),
  )
  const known = sides.flatMap(({ input }) => ('documents' in input ? input.documents : []))
  const names = new Map(
    known.flatMap(({ name, file }) => {
      const owner = owners.get(file)
      return owner === undefined ? [] : [[name, owner] as const]
    }),
  )
  return sides.map((place) => {
    if ('system' in place.input) return place
    const documents = place.input.documents.map((one) => ({ ...one, name: names.get(one.name) ?? one.name }))
    return { ...place, input: { documents } }
  })
}
