import type { Verdict } from './audit/audit.ts'

/** One table, two columns: the same shop, seed and kills, with the guarantees on and off. Markdown that reads as text. */
export function naiveTable(guarded: Verdict, naive: Verdict): string {
  const money = (cents: number): string => (Math.abs(cents) / 100).toFixed(2)
  const rows = [
    ['', 'with Spandrel', 'naive'],
    ['customers charged twice', String(guarded.chargedTwice), String(naive.chargedTwice)],
    ['orders lost', String(guarded.lost), String(naive.lost)],
    ['ledger difference', money(guarded.ledgerDifference), money(naive.ledgerDifference)],
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(Math.max(1, width - 1))}:`)).join(' | ')} |`
  const [head = [], ...body] = rows
  return [line(head), rule, ...body.map(line)].join('\n')
}
