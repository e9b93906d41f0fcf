import type { DownEffect, DownImpact, DownStep, Outcome } from '@spandrel/contract'
import type { Output } from '../output/output.ts'
import { count } from '../output/table.ts'
import { shown } from '../system/find-config.ts'

const SURE: Record<Outcome, string> = { fails: 'fails', degrades: 'degrades', waits: 'waits' }
const POSSIBLE: Record<Outcome, string> = { fails: 'may fail', degrades: 'may degrade', waits: 'may wait' }
const COLOURS = { fails: 'red', degrades: 'yellow', waits: 'cyan' } as const

/** `impact SERVICE --down` for people: each operation with why, and the way to the service that is down. */
export function showDown({ service, owner, effects, unaffected, looked }: DownImpact, output: Output): void {
  const { paint } = output
  output.line(`${paint('bold', `${service} is down`)}${owner === undefined ? '' : ` (${owner})`}`)
  const groups = Map.groupBy(effects, ({ outcome, possible }) => (possible ? POSSIBLE : SURE)[outcome])
  for (const [heading, members] of groups) {
    const [first] = members
    if (first === undefined) continue
    output.line(`\n${paint(COLOURS[first.outcome], heading)}`)
    for (const one of members) effect(one, output)
  }
  if (unaffected.length > 0) output.line(`\n${paint('green', 'goes on')}\n  ${unaffected.join(', ')}`)
  const sure = (outcome: Outcome): number => effects.filter((one) => one.outcome === outcome && !one.possible).length
  const may = effects.filter(({ possible }) => possible).length
  output.line(
    `\nof ${count(looked.operations, 'operation')} in ${count(looked.services, 'service')}: ${sure('fails')} fail, ` +
      `${sure('degrades')} degrade, ${sure('waits')} wait, ${may} may, ${unaffected.length} go on`,
  )
}

function effect({ operation, owner, because, chain, location, possible }: DownEffect, output: Output): void {
  const { paint } = output
  output.line(`  ${operation}${owner === undefined ? '' : paint('dim', `  ${owner}`)}  ${because}`)
  if (chain.length === 0) output.line(paint('dim', `    ${place(location)}`))
  // What is only possible leads far; its first step tells where to look, and `--json` has the rest.
  for (const one of possible ? chain.slice(0, 1) : chain) {
    output.line(`    ${step(one)}  ${paint('dim', place(one.location))}`)
  }
}

function step({ from, relation, to, style }: DownStep): string {
  if (relation === 'asks') return `the outcome of ${from} is asked for at ${to} (${style})`
  if (relation === 'follows') return `what ${from} sends follows from ${to}`
  return `${from} ${relation} ${to} (${style})`
}

function place({ file, line, column }: { file: string; line: number; column: number }): string {
  return `${shown(file)}:${line}:${column}`
}
