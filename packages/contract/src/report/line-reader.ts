import type { Finding } from '../model/finding.ts'

type Place = Pick<Finding, 'file' | 'line'>

/** The lines that findings are in: each file is gone through once, and nothing else of it is kept. */
export function lineReader(
  findings: readonly Place[],
  source: (file: string) => string | undefined,
): (finding: Place) => string | undefined {
  const files = new Map<string, ReadonlyMap<number, string>>()
  for (const [file, own] of Map.groupBy(findings, (one) => one.file)) {
    files.set(file, linesOf(source(file) ?? '', new Set(own.map(({ line }) => line))))
  }
  return ({ file, line }) => files.get(file)?.get(line)
}

function linesOf(text: string, wanted: ReadonlySet<number>): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  const last = Math.max(0, ...wanted)
  const breaks = /\r\n|\n|\r/g
  let start = 0
  for (let line = 1; line <= last; line++) {
    const next = breaks.exec(text)
    if (wanted.has(line)) found.set(line, text.slice(start, next?.index))
    if (next === null) break
    start = breaks.lastIndex
  }
  return found
}
