/** The command line: commands, their options and examples, and what their ends mean to the shell. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { CommandError } from './output/command-error.ts'
import { Output, painter } from './output/output.ts'
import { BrokenSystem, describeFindings } from './system/open-system.ts'

/** 0 fine · 1 findings · 2 could not run · 3 inconclusive (verify only) */
export type ExitCode = 0 | 1 | 2 | 3

/** Flags have no defaults of their own: what is absent is left to spandrel.yaml and the environment. */
export interface CommonOptions {
  config?: string
  json?: boolean
}

export interface CommandSpec<Options extends CommonOptions> {
  /** `journey <id>` */
  usage: string
  summary: string
  description: string
  options?: readonly Option[]
  /** command line (without `spandrel`) and what it does */
  examples: readonly (readonly [string, string])[]
  run: (options: Options, args: readonly string[], output: Output) => Promise<ExitCode>
}

export interface CommandGroup {
  name: string
  summary: string
  description: string
  commands: readonly CommandSpec<CommonOptions>[]
}

/** Keeps a spec's own options type inside, so that a list of specs has one type. */
export function command<Options extends CommonOptions>(spec: CommandSpec<Options>): CommandSpec<CommonOptions> {
  return spec as unknown as CommandSpec<CommonOptions>
}

/** Runs one command line and returns its exit code. Never throws. */
export async function run(
  argv: readonly string[],
  commands: readonly (CommandSpec<CommonOptions> | CommandGroup)[],
): Promise<ExitCode> {
  let code: ExitCode = 0
  const json = argv.includes('--json')
  const paint = painter(process.stderr)
  const configure = (part: Command): Command =>
    part
      .exitOverride()
      .showSuggestionAfterError(true)
      .allowExcessArguments(false)
      .helpOption('-h, --help', 'show this help')
      .configureHelp({ sortOptions: false, styleTitle: (title) => painter(process.stdout)('bold', title) })
      .configureOutput({
        outputError: (text, write) => {
          if (json) return
          const name = part.name() === 'spandrel' ? 'spandrel' : path(part)
          write(`${paint('red', 'error')}  ${usageError(text)}\n  fix    ${name} --help\n`)
        },
      })

  const program = configure(new Command('spandrel'))
    .description('The integrations between your services: declared, run, and visible.')
    .version(version(), '-V, --version', 'show the version')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText(
      'after',
      '\nExit codes: 0 fine · 1 findings · 2 could not run. Every command has --help with examples, and --json.',
    )

  const add = (parent: Command, spec: CommandSpec<CommonOptions>): void => {
    const part = configure(parent.command(spec.usage)).summary(spec.summary).description(spec.description)
    part.option('-c, --config <file>', 'the spandrel.yaml (default: the nearest one, upwards)')
    for (const option of spec.options ?? []) part.addOption(option)
    part.option('--json', 'print JSON, for programs')
    const width = Math.max(...spec.examples.map(([line]) => line.length))
    part.addHelpText(
      'after',
      ['', 'Examples:', ...spec.examples.map(([line, what]) => `  spandrel ${line.padEnd(width)}   ${what}`)].join(
        '\n',
      ),
    )
    part.action(async (...given: unknown[]) => {
      const options = part.opts<CommonOptions>()
      const output = new Output({ json: options.json })
      try {
        code = await spec.run(
          options,
          part.processedArgs.flat().filter((one): one is string => typeof one === 'string'),
          output,
        )
      } catch (error) {
        code = 2
        await failed(error, output)
      }
      void given
    })
  }
  for (const entry of commands) {
    if ('usage' in entry) {
      add(program, entry)
      continue
    }
    const group = configure(program.command(entry.name)).summary(entry.summary).description(entry.description)
    group.helpCommand('help [command]', 'show the help of a command')
    for (const spec of entry.commands) add(group, spec)
  }

  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    // An option's own text, read while the line is parsed.
    if (error instanceof CommandError) {
      new Output({ json }).fail(error)
      return 2
    }
    if (!(error instanceof CommanderError)) throw error
    // Help and version were asked for; a bare `spandrel` shows the help and has done nothing.
    if (error.exitCode === 0) return 0
    if (json) new Output({ json }).fail(new CommandError(usageError(error.message), { fix: 'spandrel --help' }))
    return 2
  }
  return code
}

async function failed(error: unknown, output: Output): Promise<void> {
  if (error instanceof BrokenSystem) {
    if (output.json) {
      output.document({ error: { what: error.message, where: error.where, fix: error.fix }, findings: error.findings })
      return
    }
    for (const text of await describeFindings(error.findings, output)) output.note(`${text}\n`)
  }
  output.fail(error)
}

/** Commander's text as one of our sentences: `unknown command 'dve'; did you mean dev?` */
function usageError(text: string): string {
  return text
    .replace(/^error: /, '')
    .replace(/\s*\(Did you mean (?:one of )?(.+)\?\)/, '; did you mean $1?')
    .trim()
}

function path(part: Command): string {
  return part.parent === null ? part.name() : `${path(part.parent)} ${part.name()}`
}

/** Of this package. */
export function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
