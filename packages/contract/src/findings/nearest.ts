/** The candidate a misspelt name most likely meant, or undefined where none is within `most` edits (fewer if it is short). */
export function nearest(name: string, candidates: Iterable<string>, most = 3): string | undefined {
  const plain = simplified(name)
  let best: string | undefined
  let least = Math.min(most, Math.max(1, Math.floor(plain.length / 3))) + 1
  for (const candidate of candidates) {
    if (candidate === name) continue
    const distance = editDistance(plain, simplified(candidate), least)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** ``did you mean `x`?`` or, where nothing is near, the alternative. */
export function didYouMean(name: string, candidates: Iterable<string>, otherwise: string): string {
  const found = nearest(name, candidates)
  return found === undefined ? otherwise : `did you mean \`${found}\`?`
}

/** Names for a message, cut to what a reader takes in. */
export function listed(names: Iterable<string>, most = 12): string {
  const all = [...new Set(names)]
  return all.length <= most ? all.join(', ') : `${all.slice(0, most).join(', ')}, … (${all.length})`
}

/** `onOverlap`, `on_overlap` and `on-overlap` are one name misspelt by convention only. */
function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[_\- ]/g, '')
}

/** Optimal string alignment: insert, delete, replace, swap neighbours. Gives up (returns `limit`) once past it. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1)
      }
      next.push(least)
    }
    if (Math.min(...next) >= limit) return limit
    before = row
    row = next
  }
  return row[b.length] ?? limit
}
