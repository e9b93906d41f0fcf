/** A journey as text. Times are those of the first thing that happened, and distances from it. */
import type { Paint, Style } from '../output/output.ts'
import { clock } from '../dev/dev-log.ts'
import type { JourneyNode, Tone } from './journey-node.ts'

const styles: Readonly<Record<Tone, Style | undefined>> = {
  plain: undefined,
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  quiet: 'dim',
}

/** Deeper branches are cut: a loop in the data must not become a loop in the terminal. */
const deepest = 60

export function renderJourney(roots: readonly JourneyNode[], paint: Paint): string[] {
  const start = earliest(roots)
  const lines: string[] = []
  const draw = (all: readonly JourneyNode[], indent: string, depth: number): void => {
    // A type on a channel that a service reads and has no operation for is no news; programs see it.
    const nodes = all.filter((node) => node.outcome !== 'ignored' || node.children.length > 0)
    for (const [index, node] of nodes.entries()) {
      const last = index === nodes.length - 1
      const style = styles[node.tone]
      const text =
        style === undefined || (node.tone === 'good' && node.kind !== 'step') ? node.text : paint(style, node.text)
      const time = node.at === undefined ? '' : `  ${paint('dim', timesOf(node, start))}`
      lines.push(`${paint('dim', indent + (last ? '└─ ' : '├─ '))}${text}${time}`)
      if (depth < deepest) draw(node.children, indent + (last ? '   ' : '│  '), depth + 1)
    }
  }
  draw(roots, '', 0)
  return lines
}

/** `+1 ms`, or `+1 ms … +1.21 s` from being sent to being handled. */
function timesOf(node: JourneyNode, start: Date | undefined): string {
  const from = node.at === undefined ? '' : timeOf(node.at, node.kind === 'request' ? undefined : start)
  return node.until === undefined ? from : `${from} … ${timeOf(node.until, start)}`
}

function timeOf(at: Date, start: Date | undefined): string {
  const ms = start === undefined ? -1 : at.getTime() - start.getTime()
  if (ms < 0) return clock(at)
  return ms < 1000
    ? `+${ms} ms`
    : ms < 120_000
      ? `+${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
      : `+${Math.round(ms / 60_000)} min`
}

function earliest(nodes: readonly JourneyNode[]): Date | undefined {
  let first: Date | undefined
  for (const node of nodes) {
    for (const at of [node.at, earliest(node.children)])
      if (at !== undefined && (first === undefined || at < first)) first = at
  }
  return first
}
