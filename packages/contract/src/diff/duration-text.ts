const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const

/** `7 days`, `1 hour 30 minutes`, `250 ms`: at most two units, so that a reader sees what changed. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  const parts: string[] = []
  let rest = ms
  for (const [name, size] of UNITS) {
    const count = Math.floor(rest / size)
    if (count === 0) continue
    parts.push(`${count} ${name}${count === 1 ? '' : 's'}`)
    rest -= count * size
    if (parts.length === 2) break
  }
  return parts.join(' ')
}
