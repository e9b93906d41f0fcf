import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { Option } from 'commander'
import { faultyDocuments } from '../init/faulty-documents.ts'
import { type PackageManager, packageManagerOf } from '../init/package-manager.ts'
import { type FaultyDocument, plan, type Plan, refuseTaken } from '../init/plan.ts'
import { manifestOf, shellWord } from '../init/start-command.ts'
import { type Survey, survey } from '../init/survey.ts'
import { writeFiles } from '../init/write-files.ts'
import { CommandError, complaint } from '../output/command-error.ts'
import type { Output } from '../output/output.ts'
import { count } from '../output/table.ts'
import { command, type CommonOptions, type ExitCode } from '../program.ts'
import { findConfig, shown } from '../system/find-config.ts'
import { contractsBelow } from '../system/named-documents.ts'
import { contractPackage, openSystem } from '../system/open-system.ts'

interface InitOptions extends CommonOptions {
  name?: string
  dryRun?: boolean
  yes?: boolean
}

export const init = command<InitOptions>({
  usage: 'init [folder]',
  summary: 'begin in this folder: at most four files, none overwritten',
  description:
    'Looks for OpenAPI and AsyncAPI documents and writes a spandrel.yaml that names them. Where there is none, it writes ' +
    'a first service that runs at once. Files that are there stay as they are. It asks on a terminal only.',
  options: [
    new Option('--name <name>', 'what the system is called (default: package.json, else the folder)'),
    new Option('--dry-run', 'show the files instead of writing them'),
    new Option('-y, --yes', 'do not ask'),
  ],
  examples: [
    ['init', 'in this folder'],
    ['init --dry-run', 'what it would write'],
    ['init ../orders --name shop', 'another folder, as part of a system called shop'],
  ],
  async run(options, [folder = '.'], output) {
    const root = resolve(folder)
    await refuseNoFolder(root, folder)
    const present = ['spandrel.yaml', 'spandrel.yml'].map((name) => join(root, name)).find((path) => existsSync(path))
    if (present !== undefined) return leaveAlone(present, output)
    await refuseUnreadableManifest(root)
    const found = survey(root, options.name, process.env)
    output.progress('reading the contracts')
    const faulty = await faultyDocuments(found)
    output.progress('')
    refuseOnlyFaulty(found, faulty)
    const planned = plan(found, faulty)
    const { files } = planned
    refuseTaken(files)
    const names = files.map(({ path }) => relative(root, path))
    const result = {
      system: found.system,
      services: found.services.map(({ name, documents }) => ({
        name,
        contracts: documents.map((path) => relative(root, path)),
      })),
      leftOut: faulty.map(({ path, errors }) => ({ contract: relative(root, path), errors })),
      passedOver: found.passedOver.map((path) => relative(root, path)),
      leftAlone: [],
    }
    if (options.dryRun === true) {
      output.document({ ...result, files: files.map(({ path, text }) => ({ file: relative(root, path), text })) })
      for (const { path, text } of files) output.line(`${output.paint('bold', shown(path))}\n\n${indented(text)}`)
      output.line(`nothing was written: ${count(files.length, 'file')} would be`)
      return 0
    }
    if (options.yes !== true && !output.json && process.stdin.isTTY && process.stdout.isTTY) await ask(found, names)
    await writeFiles(files)
    const notes = await notesOf(found, faulty, root)
    const next = nextCommands(found, planned, folder, packageManagerOf(root, { installs: planned.sample }))
    output.document({ ...result, written: names, notes, next: next.map(([line]) => line) })
    for (const { path } of files) output.line(`${output.paint('green', 'wrote')}       ${shown(path)}`)
    for (const note of notes) output.line(`\n${note}`)
    output.line('\nNext:')
    const width = Math.max(...next.map(([line, what]) => (what === '' ? 0 : line.length)))
    for (const [line, what] of next) output.line(what === '' ? `  ${line}` : `  ${line.padEnd(width)}   ${what}`)
    return 0
  },
})

async function refuseNoFolder(root: string, named: string): Promise<void> {
  const there = await stat(root).catch(() => undefined)
  if (there?.isDirectory()) return
  throw new CommandError(there === undefined ? `there is no folder ${named}` : `${named} is no folder`, {
    where: root,
    fix: 'name a folder that is there, or go into it and run `spandrel init`',
  })
}

function refuseOnlyFaulty(found: Survey, faulty: readonly FaultyDocument[]): void {
  const [first] = faulty
  if (first === undefined || faulty.length < found.services.flatMap(({ documents }) => documents).length) return
  throw new CommandError(
    `nothing was written: ${faulty.length === 1 ? 'the contract' : 'every contract'} here has faults`,
    {
      where: faulty.map(({ path }) => shown(path)).join(', '),
      fix: `correct them; \`spandrel check ${shown(first.path)}\` shows what is wrong`,
    },
  )
}

/** Nothing could be told of the project, not even that it is one. */
async function refuseUnreadableManifest(root: string): Promise<void> {
  const file = join(root, 'package.json')
  const there = await stat(file).catch(() => undefined)
  if (there === undefined || manifestOf(root) !== undefined) return
  throw new CommandError(`nothing was written: ${shown(file)} is no JSON object that can be read`, {
    where: file,
    fix: 'correct it: `npm pkg get name` says where its fault is',
  })
}

/** Somebody was here before: says what of the folder their file does not name. */
async function leaveAlone(file: string, output: Output): Promise<ExitCode> {
  const root = dirname(file)
  if ((await stat(file)).isDirectory()) {
    throw new CommandError(`nothing was written: ${shown(file)} is a folder, and must be a file`, {
      where: file,
      fix: 'move it away, or run `spandrel init` in another folder',
    })
  }
  const documents = contractsBelow(root)
  const unnamed = await openSystem(file).then(
    (system) => {
      const named = new Set(Object.values(system.services).flatMap((one) => one.documents.map((each) => each.file)))
      return documents.filter((path) => !named.has(path))
    },
    // `check` says what is wrong with it.
    () => [],
  )
  const next = `${packageManagerOf(root, { installs: false }).spandrel} check`
  const names = unnamed.map((path) => relative(root, path))
  output.document({ written: [], leftAlone: [relative(root, file)], unnamed: names, next: [next] })
  output.line(`left alone  ${shown(file)}, which is there already`)
  if (unnamed.length > 0) {
    output.line(`\nContracts that it does not name:`)
    for (const path of unnamed) output.line(`  ${shown(path)}`)
  }
  output.line(`\nNext:\n  ${next}`)
  return 0
}

async function ask(found: Survey, names: readonly string[]): Promise<void> {
  // Loaded where somebody is there to be asked.
  const { confirm, isCancel, note } = await import('@clack/prompts')
  const services = found.services.map(({ name, documents }) => `${name}: ${documents.map(shown).join(', ')}`)
  note(services.length === 0 ? 'no contracts yet' : services.join('\n'), `system ${found.system}`)
  const answer = await confirm({ message: `Write ${names.join(', ')}?` })
  if (isCancel(answer) || !answer) throw new CommandError('nothing was written', { fix: 'say yes, or see --dry-run' })
}

/** What somebody should know before the next command. */
async function notesOf(found: Survey, faulty: readonly FaultyDocument[], root: string): Promise<string[]> {
  const notes = faulty.map(
    ({ path, errors }) =>
      `${shown(path)} was left out: it has ${count(errors, 'fault')}. \`spandrel check ${shown(path)}\` shows them.`,
  )
  if (found.passedOver.length > 0) {
    const some = found.passedOver.slice(0, 3).map(shown).join(', ')
    const more = found.passedOver.length > 3 ? ` and ${found.passedOver.length - 3} more` : ''
    notes.push(`Passed over as tests, copies or build output: ${some}${more}`)
  }
  const above = await findConfig(undefined, dirname(root)).catch(() => undefined)
  if (above !== undefined)
    notes.push(`${shown(above)} is above. To make them one system, add this one to its \`include\`.`)
  const gateway = await gatewayFault(join(root, 'spandrel.yaml'))
  if (gateway !== undefined) notes.push(`The gateway cannot start yet: ${gateway}`)
  return notes
}

/** Credentials that a contract demands, two operations of one route: what only a gateway minds. */
async function gatewayFault(file: string): Promise<string | undefined> {
  const { loadSystem } = await contractPackage()
  const { system } = await loadSystem(file)
  if (system === undefined) return undefined
  const { createGateway } = await import('@spandrel/gateway')
  try {
    await createGateway({ system }).close()
    return undefined
  } catch (error) {
    const { what, fix } = complaint(error)
    return fix === undefined ? what : `${what}\n  fix    ${fix}`
  }
}

function nextCommands(
  found: Survey,
  planned: Plan,
  folder: string,
  { install, add, addForDevelopment, spandrel }: PackageManager,
): [string, string][] {
  const next: [string, string][] = []
  if (folder !== '.') next.push([`cd ${shellWord(folder)}`, ''])
  if (planned.sample && found.manifest === undefined) next.push([install, ''])
  const runtime = planned.missing.filter((name) => name !== 'spandrel')
  if (runtime.length > 0) next.push([`${add} ${runtime.join(' ')}`, 'what the new service imports'])
  if (planned.missing.includes('spandrel')) next.push([`${addForDevelopment} spandrel`, ''])
  next.push([`${spandrel} check`, 'what the contracts promise, and what they leave open'])
  if (planned.starts) next.push([`${spandrel} dev`, 'everything, on a PostgreSQL of its own; Ctrl-C stops it'])
  if (planned.sample) {
    const request =
      "curl -X POST localhost:8080/notes -H 'content-type: application/json' -H 'idempotency-key: 1' -d '{\"text\": \"hello\"}'"
    next.push([request, ''], ['curl localhost:8080/notes', 'one note, however often you sent that'])
  } else if (!planned.starts) {
    next.push([`${spandrel} dev`, 'once spandrel.yaml says with `dev` what starts a service'])
  }
  return next
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ')
}
