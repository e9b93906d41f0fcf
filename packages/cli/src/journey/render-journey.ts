/** A journey as text. Times are those of the first thing that happened, and distances from it. */
import type { Paint, Style } from '../output/output.ts'
import { clock } from '../dev/dev-log.ts'
import type { JourneyNode, Tone } from './journey-tree.ts'

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
  const draw = (nodes: readonly JourneyNode[], indent: string, depth: number): void => {
    for (const [index, node] of nodes.entries()) {
      const last = index === nodes.length - 1
      const style = styles[node.tone]
      const text =
        style === undefined || (node.tone === 'good' && node.kind !== 'step') ? node.text : paint(style, node.text)
      const time = node.at === undefined ? '' : `  ${paint('dim', timeOf(node, start))}`
      lines.push(`${paint('dim', indent + (last ? '└─ ' : '├─ '))}${text}${time}`)
      if (depth < deepest) draw(node.children, indent + (last ? '   ' : '│  '), depth + 1)
    }
  }
  draw(roots, '', 0)
  return lines
}

function timeOf(node: JourneyNode, start: Date | undefined): string {
  if (node.at === undefined) return ''
  if (start === undefined || node.kind === 'request') return clock(node.at)
  const ms = node.at.getTime() - start.getTime()
  if (ms < 0) return clock(node.at)
  return ms < 1000 ? `+${ms} ms` : ms < 120_000 ? `+${(ms / 1000).toFixed(1)} s` : `+${Math.round(ms / 60_000)} min`
}

function earliest(nodes: readonly JourneyNode[]): Date | undefined {
  let first: Date | undefined
  for (const node of nodes) {
    for (const at of [node.at, earliest(node.children)])
      if (at !== undefined && (first === undefined || at < first)) first = at
  }
  return first
}
