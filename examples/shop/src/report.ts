import type { HeldMessage, Verdict } from './audit/audit.ts'
import { killsInFlight, type Strike } from './chaos/chaos.ts'

/** What `--json` prints and `--report` writes. */
export interface Report {
  seed: number
  /** how long the shopper shopped */
  seconds: number
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

export function reportOf(verdict: Verdict, run: { seed: number; seconds: number; strikes: readonly Strike[] }): Report {
  const { placed, completed, rejected, open, lost, doubled, ledgerDifference, held, laws } = verdict
  return {
    seed: run.seed,
    seconds: run.seconds,
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
  const { orders, held } = report
  const lines = [
    `The audit of seed ${report.seed}, ${report.seconds} s, ${counted(report.kills, 'kill')} (${report.killsInFlight} with something in flight)`,
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

function heldText({ service, type, state, reason, orderId, seeded }: HeldMessage): string {
  return `${type} at ${service}: ${state}${reason === null ? '' : ` (${reason})`}, order ${orderId ?? 'unknown'}${seeded ? ', as seeded' : ''}`
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
