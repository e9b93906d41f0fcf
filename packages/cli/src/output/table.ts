import { stripVTControlCharacters } from 'node:util'

/** Columns aligned by what is seen of them; the last is not padded. */
export function table(rows: readonly (readonly string[])[], options: { indent?: number; gap?: number } = {}): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell))
  }
  const gap = ' '.repeat(options.gap ?? 2)
  return rows.map((row) => {
    const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
    return (' '.repeat(options.indent ?? 0) + cells.join(gap)).trimEnd()
  })
}

/** How many columns a text takes, near enough: wide characters are not counted twice. */
function width(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length
}

/** `1 service`, `2 services`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

/** How long ago, or how long: `4 s`, `12 min`, `3 h`, `9 d`. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
