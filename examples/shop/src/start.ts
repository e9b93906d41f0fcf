/** `npm start`. See flags.ts for what it understands. */
import { HELP, parseFlags, UsageError, type Flags } from './flags.ts'
import { Interruption } from './interruption.ts'
import { naiveTable } from './naive-table.ts'
import { asText, passes, type Report } from './report.ts'
import { checkWritable, writeReport } from './report-file.ts'
import { NoSuchRelease } from './road/other-release.ts'
import { runDays } from './run-days.ts'
import { playDay } from './terminal/play-day.ts'

async function main(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args)
  if (flags.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (flags.report !== undefined) await checkWritable(flags.report)
  const { forMs } = flags
  return forMs === undefined ? play(flags) : timed(flags, forMs)
}

/** Until Ctrl-C, with keys. */
async function play(flags: Flags): Promise<number> {
  const report = await playDay({ seed: flags.seed, chaos: flags.chaos, json: flags.json })
  return tell(flags, report)
}

async function timed(flags: Flags, forMs: number): Promise<number> {
  const started = Date.now()
  // Standard output is for the document alone where there is one.
  const stream = flags.json ? process.stderr : process.stdout
  const say = (line: string): void =>
    void stream.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}\n`)
  const { signal } = new Interruption(say)
  const mutants = (process.env['SPANDREL_MUTANT'] ?? '').split(',').filter(Boolean)
  const { seed, chaos, naive, beside } = flags
  const result = await runDays({
    forMs,
    seed,
    chaos,
    naive,
    mutants,
    signal,
    say,
    ...(beside !== undefined && { beside }),
  })
  if (result.unclean.length > 0) say(`did not stop by themselves: ${result.unclean.join(', ')}`)
  const code = await tell(flags, result.report, result.naive?.report)
  if (!flags.json && result.naive !== undefined)
    process.stdout.write(`\n${naiveTable(result.verdict, result.naive.verdict)}\n`)
  return code
}

/** Prints the report, then writes it where that is wanted. Returns the exit code. */
async function tell(flags: Flags, report: Report, naive?: Report): Promise<number> {
  const document = `${JSON.stringify(naive === undefined ? report : { ...report, naive }, undefined, 2)}\n`
  process.stdout.write(flags.json ? document : `\n${asText(report)}\n`)
  if (flags.report !== undefined) await writeReport(flags.report, document)
  return passes(report) ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const text =
    error instanceof UsageError || error instanceof NoSuchRelease
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error)
  process.stderr.write(`${text}\n`)
  process.exitCode = 2
}
