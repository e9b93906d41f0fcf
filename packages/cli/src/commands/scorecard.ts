import { readFile, writeFile } from 'node:fs/promises'
import type { GivenReport, Scorecard } from '@spandrel/contract'
import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import { type CommonOptions, command } from '../program.ts'
import { printScorecard } from '../scorecard/print.ts'
import { compareSheets, tellSheets, writeSheets } from '../scorecard/sheets.ts'
import { commitOf } from '../system/commit.ts'
import { shown } from '../system/find-config.ts'
import { namedDocuments } from '../system/named-documents.ts'
import { BrokenSystem, contractPackage } from '../system/open-system.ts'

interface ScorecardOptions extends CommonOptions {
  evidence?: string[]
  why?: boolean
  html?: string
  sheets?: string
  check?: boolean
}

export const scorecard = command<ScorecardOptions>({
  usage: 'scorecard [documents...]',
  summary: 'ten questions about every integration, and how sure the answers are',
  description:
    'Reads spandrel.yaml and all contracts, and answers ten questions about each integration and the system: by what is ' +
    'declared, and by what verify reports of this commit have shown. What is only declared counts half. Beside it, how ' +
    'closely the two sides of each integration are coupled.',
  options: [
    new Option('--evidence <report...>', 'what `spandrel verify --json` printed for this commit'),
    new Option('--html <file>', 'also as a page that needs nothing else'),
    new Option(
      '--sheets <folder>',
      'write a page about each integration: style, guarantees, what happens when …, owner',
    ),
    new Option('--check', 'with --sheets: write nothing; exit 1 if one is missing or out of date (for CI)'),
    new Option('--why', 'what each answer is based on, and what would raise it'),
  ],
  examples: [
    ['scorecard', 'the nearest spandrel.yaml'],
    ['scorecard --why', 'with the reasons of every answer'],
    ['scorecard --evidence orders.json', 'with what a run of `verify --json` has shown'],
    ['scorecard --html scorecard.html', 'to read on a phone'],
    ['scorecard --sheets docs/integrations', 'a page about each integration'],
    ['scorecard --sheets docs/integrations --check', 'in CI: are they up to date?'],
    ['scorecard api/orders.openapi.yaml', 'a document alone'],
    ['scorecard --json', 'for programs'],
  ],
  async run(options, paths, output) {
    if (options.check === true && options.sheets === undefined) {
      throw new CommandError('--check of what?', {
        where: '--check',
        fix: 'name the folder: --sheets docs/integrations --check',
      })
    }
    const { scoreDocuments, scoreSystem } = await contractPackage()
    const { file, documents = [] } = await namedDocuments(paths, options.config)
    const where = file === undefined ? documents.map(shown).join(', ') : shown(file)
    const reports = await Promise.all((options.evidence ?? []).map(readReport))
    output.progress(`reading ${where}`)
    const given = { reports, commitOf: ({ dir }: { dir: string }) => commitOf(dir) }
    const result = await (file === undefined ? scoreDocuments(documents, given) : scoreSystem(file, given))
    const { scorecard: card, sheets: sheetsIn } = result
    if (card === undefined || sheetsIn === undefined)
      throw new BrokenSystem(file ?? documents[0] ?? '', result.findings)
    if (card.integrations.length === 0) {
      throw new CommandError('there is nothing to score: no operation and no message in this system', {
        where,
        fix: 'give its services contracts: `contracts: [contracts/orders.openapi.yaml]`',
      })
    }
    const folder = options.sheets
    const sheets = folder === undefined ? [] : await compareSheets(folder, sheetsIn(folder))
    if (options.check !== true) {
      await writeSheets(sheets)
      if (options.html !== undefined) await writePage(options.html, card)
    }
    output.document(
      folder === undefined ? card : { ...card, sheets: sheets.map(({ file, state }) => ({ file, state })) },
    )
    if (options.check !== true) printScorecard(card, output, { why: options.why === true })
    return folder === undefined ? 0 : tellSheets(folder, sheets, output, options.check === true)
  },
})

async function writePage(path: string, card: Scorecard): Promise<void> {
  const { scorecardPage } = await contractPackage()
  await writeFile(path, scorecardPage(card, { shown })).catch((error: unknown) => {
    throw new CommandError(`${path} cannot be written: ${(error as Error).message}`, { where: '--html', cause: error })
  })
}

async function readReport(path: string): Promise<GivenReport> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandError(`there is no report ${path}`, {
      where: '--evidence',
      fix: 'write one with `spandrel verify --json > report.json`',
      cause: error,
    })
  })
  try {
    return { file: path, content: JSON.parse(text) as unknown }
  } catch (error) {
    throw new CommandError(`${path} is no JSON`, {
      where: '--evidence',
      fix: 'give what `spandrel verify --json` printed',
      cause: error,
    })
  }
}
