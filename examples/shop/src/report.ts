import type { HeldMessage, Verdict } from './audit/audit.ts'
import { killsInFlight, type Strike } from './chaos/chaos.ts'

interface Beside {
  revision: string
  starts: { here: number; beside: number }
}

/** What `--json` prints and `--report` writes. */
export interface Report {
  seed: number
  /** how long the shopper shopped */
  seconds: number
  /** the other release in the same system, and how many processes were started of each */
  beside?: Beside
  orders: { placed: number; completed: number; rejected: number; open: number }
  kills: number
  killsInFlight: number
  /** orders of which something is missing */
  lost: number
  /** charges at the card network beyond the first of each purchase */
  doubled: number
  /** what the card network moved less what the ledger booked, in units of the currency */
  ledgerDifference: number
  held: readonly HeldMessage[]
  /** law → `kept`, or `broken: …` */
  laws: Readonly<Record<string, string>>
}

interface Run {
  seed: number
  seconds: number
  strikes: readonly Strike[]
  beside?: Beside
}

export function reportOf(verdict: Verdict, run: Run): Report {
  const { placed, completed, rejected, open, lost, doubled, ledgerDifference, held, laws } = verdict
  return {
    seed: run.seed,
    seconds: run.seconds,
    ...(run.beside && { beside: run.beside }),
    orders: { placed, completed, rejected, open },
    kills: run.strikes.length,
    killsInFlight: killsInFlight(run.strikes),
    lost,
    doubled,
    ledgerDifference: ledgerDifference / 100,
    held,
    laws,
  }
}

/** Nothing was lost, nothing happened twice, no law was broken. */
export function passes({ lost, doubled, ledgerDifference, laws }: Report): boolean {
  return (
    lost === 0 && doubled === 0 && ledgerDifference === 0 && Object.values(laws).every((ruling) => ruling === 'kept')
  )
}

export function asText(report: Report): string {
  const { orders, held, beside } = report
  const lines = [
    `The audit of seed ${report.seed}, ${report.seconds} s, ${counted(report.kills, 'kill')} (${report.killsInFlight} with something in flight)`,
    ...(beside === undefined ? [] : [besideText(beside)]),
    '',
    `  orders             ${orders.placed} placed: ${orders.completed} completed, ${orders.rejected} rejected, ${orders.open} open`,
    `  lost               ${report.lost}`,
    `  charged twice      ${report.doubled}`,
    `  ledger difference  ${report.ledgerDifference.toFixed(2)}`,
    `  held               ${held.length === 0 ? 'nothing' : held.map(heldText).join('\n                     ')}`,
    '',
    ...Object.entries(report.laws).map(
      ([law, ruling]) => `  ${ruling === 'kept' ? '✓' : '✗'} ${law}${ruling === 'kept' ? '' : `\n      ${ruling}`}`,
    ),
    '',
    passes(report) ? 'Nothing was lost and nothing happened twice.' : 'The laws marked ✗ were broken.',
  ]
  return lines.join('\n')
}

function besideText({ revision, starts }: Beside): string {
  return `Two releases at once: ${counted(starts.here, 'process')} of this one, ${counted(starts.beside, 'process')} of ${revision}`
}

function heldText({ service, type, state, reason, orderId, seeded }: HeldMessage): string {
  return `${type} at ${service}: ${state}${reason === null ? '' : ` (${reason})`}, order ${orderId ?? 'unknown'}${seeded ? ', as seeded' : ''}`
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : what.endsWith('s') ? 'es' : 's'}`
}
