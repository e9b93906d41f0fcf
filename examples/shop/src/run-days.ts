/** Runs one shop, or two beside each other, on an embedded Postgres of their own. */
import { setTimeout as delay } from 'node:timers/promises'
import { type EmbeddedPostgres, makeTemporaryDirectory, startPostgres } from 'spandrel/embedded'
import type { Verdict } from './audit/audit.ts'
import type { Strike } from './chaos/chaos.ts'
import { counted, type Report, reportOf } from './report.ts'
import { type OtherRelease, unpackRelease } from './road/other-release.ts'
import { TWINS } from './road/road.ts'
import { ShopDay } from './shop-day.ts'

export interface RunOptions {
  forMs: number
  seed: number
  chaos: boolean
  /** deliberate defects of the (first) shop */
  mutants?: readonly string[]
  /** runs a second shop with all guarantees off beside the first */
  naive?: boolean
  /** a revision whose processes run beside this one's, and take turns with them */
  beside?: string
  /** ends the shopping early */
  signal?: AbortSignal
  /** one line each, for people */
  say?: (line: string) => void
}

export interface RunResult {
  report: Report
  verdict: Verdict
  strikes: readonly Strike[]
  /** processes that did not stop by themselves */
  unclean: readonly string[]
  naive?: { report: Report; verdict: Verdict }
}

/** Guarantees off: every one of the deliberate defects at once. */
export const ALL_MUTANTS = [
  'keys-off',
  'delete-before-confirm',
  'settle-before-commit',
  'any-record-suppresses',
  'order-off',
  'publish-after-commit',
] as const

export async function runDays(options: RunOptions): Promise<RunResult> {
  const { seed, chaos, say = () => {} } = options
  const directory = await makeTemporaryDirectory('spandrel-shop-')
  const server = await openServer().catch(async (error: unknown) => {
    await directory.remove()
    throw error
  })
  const days: ShopDay[] = []
  try {
    let beside: OtherRelease | undefined
    if (options.beside !== undefined) {
      beside = await unpackRelease(options.beside, directory.path)
      say(
        `${options.beside} is unpacked: each service runs twice, once of each release, and changes with every restart`,
      )
    }
    const open = async (prefix: string, mutants: readonly string[] | undefined): Promise<void> => {
      const day = await ShopDay.open({
        postgres: (database) => server.url(database),
        prefix,
        seed,
        directory: directory.path,
        chaos,
        ...(mutants && { mutants }),
        ...(beside && { beside, twice: TWINS }),
        onStrike: (strike) => say(`${prefix === '' ? '' : 'naive: '}${strikeText(strike)}`),
      })
      days.push(day)
    }
    await open('', options.mutants)
    if (options.naive) await open('naive_', ALL_MUTANTS)
    say(`${days.length === 1 ? 'the shop is' : 'both shops are'} open`)
    const started = Date.now()
    for (const day of days) day.start()
    await delay(options.forMs, undefined, options.signal && { signal: options.signal }).catch(() => {})
    const seconds = Math.round((Date.now() - started) / 100) / 10
    say('closing: waiting for what is under way')
    await Promise.all(days.map((day) => day.end()))
    for (const day of days) for (const line of day.unsettled) say(`still moving: ${line}`)
    const results = []
    for (const day of days) {
      const verdict = await day.audit()
      results.push({
        verdict,
        report: reportOf(verdict, {
          seed,
          seconds,
          strikes: day.chaos.strikes,
          ...(beside && { beside: { revision: beside.revision, starts: day.road.starts } }),
        }),
      })
    }
    const [first, second] = results
    const [day] = days
    if (first === undefined || day === undefined) throw new Error('no shop was opened')
    return { ...first, strikes: day.chaos.strikes, unclean: day.unclean, ...(second && { naive: second }) }
  } catch (error) {
    await Promise.all(days.map((day) => day.abandon()))
    throw error
  } finally {
    await server.close()
    if (process.env['SHOP_KEEP_LOGS'] === undefined) await directory.remove()
    else {
      directory.keep()
      say(`logs are in ${directory.path}`)
    }
  }
}

/** Chaos ends processes, never the machine: what is written need not reach the disk to survive. */
export async function openServer(): Promise<EmbeddedPostgres> {
  return startPostgres({ settings: { fsync: 'off', max_connections: '400', max_wal_size: '2GB' } })
}

export function strikeText({ victim, how, inFlight }: Strike): string {
  const parts = [
    ...(inFlight.transactions > 0 ? [counted(inFlight.transactions, 'transaction')] : []),
    ...(inFlight.requests > 0 ? [counted(inFlight.requests, 'request')] : []),
    ...(inFlight.messages > 0 ? [counted(inFlight.messages, 'message')] : []),
  ]
  return `${how}: ${victim}, with ${parts.length === 0 ? 'nothing' : parts.join(', ')} in flight`
}
